"""How the weights of `pipelines/cascade/turn_end` were found, and what they are worth.

    python -m tools.turn_end.collect out/pauses.pkl                       # S1 and S2, rendered
    python -m tools.turn_end.collect out/people.pkl --speech FOLDER       # recorded people
    python -m tools.turn_end.measure out/pauses.pkl out/people.pkl        # gap against premature
    python -m tools.turn_end.fit out/pauses.pkl out/people.pkl            # weights of the melody

`collect` holds floorbench sessions in virtual time with an agent that waits 2.6 s in every pause,
and keeps each pause as the turn predictor saw it, every 50 ms, with the words the recogniser had
by then. `measure` lets the predictor decide those pauses for a row of settings. `fit` is a logistic
regression on the figures of the sound. Recorded files are sorted by path: every second one (odd
index) is held out of the fit and reported apart.
"""
