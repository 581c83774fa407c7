"""A dialogue written in TOML, followed word by word: the responder that needs no model.

- tables, slot_table: what the TOML may say; checks: what must hold between its parts; flow: tables
  checked, phrases parsed; builtin: small talk
- words, numbers, clock, money, values: from words to values, and back to speech; keypad: from keys
- pattern, match, understand: from words to meaning
- position, moves, rules, fold: from the history to a reply; results: of tools; messages: taken
  down; hours: open or closed; begun: when the call was; known: what need not be folded again
- grammar, expect: what will be said next
- responder: the protocol, and `talk` for tests
"""
