"""What the rendered callers say over an agent.

Each table has words that are trained on and words that are only tested on. None of these lists
was chosen by looking at what a trained network got wrong.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """What a caller does with a sound."""

    MURMUR = "murmur"
    AGREEMENT = "agreement"
    COMMAND = "command"
    REQUEST = "request"
    TURNING = "turning"
    NOISE = "noise"


class Split(StrEnum):
    """TRAIN: both words and voice; VOICE: trained words, a voice kept out; WORDS: both kept out."""

    TRAIN = "train"
    VOICE = "voice"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Line:
    """A thing to say; a TURNING has a murmur first and then a request."""

    kind: Kind
    text: str
    then: str = ""


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())


MURMURS = _lines("""
mm-hm, mhm, m-hm, uh-huh, uh huh, mm, hmm, yeah, yeah, yes, yep, yup, right, right, okay, okay, ok
i see, i see, sure, alright, all right, aha, ah, oh, oh okay, oh really, great, good, cool, nice
exactly, absolutely, got it, of course, ah okay, yeah yeah, right right, okay okay, mm mm
yeah right, oh wow, wow, really, true, fine, good good, makes sense, okay yeah, mm yeah
yeah sure, oh i see, ah i see
huh, ooh, definitely, perfect, oh nice, mm okay, uh-huh okay, yes yes, sounds good
""")
MURMURS_KEPT_OUT = _lines("""
yeah okay, right okay, gotcha, indeed, oh good, sure sure, mm right, totally, oh yeah, ah right
""")

AGREEMENTS = _lines("""
no no i see, yeah exactly, right no problem, no no that's fine, no that's great, no worries
no problem, oh wait that's nice, wait really wow, yeah that makes sense, okay that sounds good
yes that's right, sure sounds good to me, right that's what i thought, oh that's lovely
yeah i know what you mean, okay great thanks, thank you, no yeah totally, oh no, oh dear
well okay then, uh-huh uh-huh yeah, mm-hm mm-hm right, yeah yeah yeah, okay okay i see
right right okay, oh stop that's wonderful, no of course, yeah no of course, sorry yes i see
""")
AGREEMENTS_KEPT_OUT = _lines("""
no no exactly, oh wait that's great, yeah that's true, right yeah got it, no no of course
okay yes i understand, uh-huh right i see
""")

COMMANDS = _lines("""
wait, wait, no, no, stop, stop, hello, sorry, hold on, hold on, hang on, excuse me, pardon, what
listen, wait wait, no no, stop stop, no wait, wait a second, wait a minute, one moment, one second
actually, but, hey, hello hello, please stop, stop it, stop talking, enough, cancel, repeat, again
sorry what, no thanks, no thank you, never mind, say that again, operator, help, quiet, forget it
stop please, wait please, no stop it, hello can you hear me, what was that, can i ask something
""")
COMMANDS_KEPT_OUT = _lines("""
pause, just a moment, no stop, wait stop, hang on a moment, one question, that's wrong, go back
halt, wait a sec, sorry sorry, no no no
""")

OPENINGS = _lines("""
wait, sorry, no, stop, excuse me, actually, hold on, but, well, um, uh, so, and, hello, hey
listen, no no, sorry hold on, no wait, just, please, can i just ask
""")
REQUESTS = _lines("""
what are your opening hours, where are you located, what is your address, when do you close
are you open on monday, do you have a table for three, can i book a table for tomorrow night
i want to change my booking, could i speak to a person, is there parking nearby
do you have vegetarian dishes, how much is the menu, i need it for five people
can you say the address again, make it seven thirty, on thursday not friday, i'd like to cancel
my name is spelled differently, what's the phone number, how do i get there by train
i meant the other one, that is not what i asked, can you speak a bit slower
tell me about the weekend, what about the afternoon, how long does it take, who am i speaking to
i'd like to pay by card, could you send me an email, which bus goes there, is it far from here
i have a question about my bill, my internet does not work, i lost my password
what's the weather like tomorrow, play some music, set a timer for ten minutes, turn off the light
remind me to call my mother, what time is it, i want to return these shoes, where is my parcel
it has not arrived yet, transfer me to support, how do i reset it, the screen stays black
i already tried that, give me the short version, skip this part, start from the beginning
we need two rooms for the night, does breakfast cost extra, is the pool open, i want to check in
book me a taxi, show me another one, what did you say before, that's too expensive
do you have something cheaper, seven, four two six, the fifth of june, tomorrow, two people
half past eight, billing, the red one, green street, it's for my sister, next tuesday
""")
REQUESTS_KEPT_OUT = _lines("""
do you take dogs, i would rather sit outside, is there a children's menu, put me through to sales
my order number is nine three one, where can i find the manual, is the museum open today
the printer makes a strange noise, could we talk about the price, can you call me back later
i think you misunderstood me, which platform does it leave from, saturday evening, room nine
""")

TURNS = _lines("""
but, but what about, but wait, and, so, and then, but i wanted to know, so can you tell me
""")
YES = _lines("yeah, okay, right, yes, uh-huh, i see, mm-hm, sure, oh, alright, well yes, okay yeah")


WORDS = tuple(
    """about after again air also always animal answer apple april around ask away baby back bag
    bank because bed before began better between bicycle big bird black blue boat body book
    both box bread bring brother brown build bus business butter buy call came camera car
    carry cat change cheap chicken child choose city class clean clear clock close cloud coat
    coffee cold come cook copy corner cost could country cousin cup cut dance dark date
    daughter day deep delay dinner doctor does dollar done door down dress drink drive early
    earth east eat eight eleven email empty end engine even evening every face fact fall
    family far farm fast father feel few fifty film find finger fire first fish five floor
    flower fly follow food foot forest form found four free friday friend from front fruit
    full game garden gas gave girl give glass go gold gone green ground group grow guest hair
    half hand happy hard has hat have head hear heart heavy her here high hill him his home
    hope horse hot hotel hour house how hundred husband ice idea if important inside into
    island january job july june jump just keep key kind king kitchen know lake land large
    last late laugh learn leave left leg letter life light like line list little live long
    look lost lot love low lunch machine made mail main make man many map market may maybe
    meat meet menu message middle might milk mind minute monday money month moon more morning
    most mother mountain mouth move much music must name near need never new next night nine
    north nose not nothing november number ocean of off office often old once one only open or
    orange order other our out over own page paint paper park part party pass password pay
    people phone photo picture piece place plan plane plant play please point poor possible
    post present price problem public pull push put question quick quiet rain ran read ready
    red remember rest rice rich ride ring river road rock room round rule run said salad salt
    same sand saturday saw say school sea second see seem send set seven shall she ship shoe
    shop short should show sick side since sing sister sit six size sky sleep slow small snow
    some song soon sound soup south speak spring square stand star start station stay still
    stone store story street strong student such sugar summer sun sunday table take talk tall
    teach tell ten than that the their them then there these they thing think thirty this
    three thursday ticket time to today together tomorrow too took top town train travel tree
    trip try tuesday turn twelve two under until up upon use very village visit voice walk
    wall want warm was watch water way we weather wednesday week well went were west what
    wheel when where which white who whole why wife will wind window winter wish with woman
    word work world would write year yellow yesterday you young your zero""".split()
)


def chatter(rng: Random) -> Line:
    """One to six words of any kind: whoever says none of the signs of listening has something else
    to say."""
    return Line(
        Kind.REQUEST, " ".join(rng.choice(WORDS) for _ in range(rng.choice((1, 2, 3, 4, 6))))
    )


def draw(rng: Random, split: Split) -> Line:
    """A thing to say: kinds in fixed shares, words of a kind evenly."""
    out = split is Split.WORDS
    murmurs, agreements, commands, requests = (
        (MURMURS_KEPT_OUT, AGREEMENTS_KEPT_OUT, COMMANDS_KEPT_OUT, REQUESTS_KEPT_OUT)
        if out
        else (MURMURS, AGREEMENTS, COMMANDS, REQUESTS)
    )
    share = rng.random()
    if share < 0.36:
        return Line(Kind.MURMUR, rng.choice(murmurs))
    if share < 0.46:
        return Line(Kind.AGREEMENT, rng.choice(agreements))
    if share < 0.70:
        return Line(Kind.COMMAND, rng.choice(commands))
    request = rng.choice(requests)
    if share < 0.92:
        opening = rng.choice(OPENINGS) + ", " if rng.random() < 0.5 else ""
        return Line(Kind.REQUEST, opening + request)
    murmur = rng.choice(YES)
    return Line(Kind.TURNING, murmur, f"{rng.choice(TURNS)} {request}")
