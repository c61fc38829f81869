"""What is promised; a failing seed says which of these it broke."""

from enum import StrEnum


class Promise(StrEnum):
    DONE_IS_LAST = "the write that says done is the last"
    NOTHING_LOST = "every file ends, and every request has one line"
    PAID_ONCE = "nothing is paid twice"
    PUBLISHED_TRUE = "nothing is said falsely"
    CAPACITY_KEPT = "capacity is what the parts hold, and within the limit"
    BUDGET_KEPT = "what is taken of a month is what jobs cost"
    NOTHING_LEFT = "nothing piles up at OpenAI or in the ledger"
    ONE_CLAIM = "a claim holds while its holder may live"
    OUR_WORDS = "a function fails in our words, and never by our fault"
    LIBRARY_TRUE = "a library holds what its folder holds, and reports it"
    ALWAYS_ANSWERED = "once a document answers, a version of it does while it is there"
    EFFECT = "a fault that was drawn took effect"
