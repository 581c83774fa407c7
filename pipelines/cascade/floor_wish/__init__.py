"""Does a sound over the agent's voice want the floor, or only show that somebody listens?"""
