"""A dialogue written in TOML, followed word by word: the responder that needs no model.

- tables: what the TOML may say; flow: tables checked, phrases parsed; builtin: small talk
- words, numbers, clock, values: from words to values, and back to speech
- pattern, match, understand: from words to meaning
- position, moves, rules, fold: from the history to a reply
- grammar, expect: what will be said next
- responder: the protocol, and `talk` for tests
"""
