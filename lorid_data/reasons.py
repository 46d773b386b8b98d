"""Why a row left a dataset: every reason with its sentence; import it from `schema`."""

from __future__ import annotations

from enum import StrEnum


class RejectReason(StrEnum):
    """Why a row left a dataset. `sentence` says it for people."""

    NOT_RECORDED = "not_recorded"
    SCRIPT_EXHAUSTED = "script_exhausted"
    TEACHER_FAILED = "teacher_failed"
    TEACHER_REFUSED = "teacher_refused"
    REPLY_TRUNCATED = "reply_truncated"
    REPLY_NOT_JSON = "reply_not_json"
    REPLY_WRONG_SHAPE = "reply_wrong_shape"
    VOTE_LOST = "vote_lost"
    NO_KNOWLEDGE_IN_SOURCE = "no_knowledge_in_source"
    ROW_UNREADABLE = "row_unreadable"
    QUESTION_EMPTY = "question_empty"
    QUESTION_NOT_TEXT = "question_not_text"
    ANSWER_MISSING = "answer_missing"
    ANSWER_UNPARSED = "answer_unparsed"
    ANSWER_CONTRADICTED = "answer_contradicted"
    ANNOTATION_WRONG = "annotation_wrong"
    ANNOTATION_LEFT = "annotation_left"
    SENTENCES_GLUED = "sentences_glued"
    CHECK_FAILED = "check_failed"
    LATEX_UNBALANCED = "latex_unbalanced"
    KNOWLEDGE_EMPTY = "knowledge_empty"
    KNOWLEDGE_FORMAT = "knowledge_format"
    TOO_LONG = "too_long"
    ORIGINAL_UNKNOWN = "original_unknown"
    VARIANT_ASKS_ELSE = "variant_asks_else"
    BACKWARD_QUESTION = "backward_question"
    DUPLICATE_EXACT = "duplicate_exact"
    DUPLICATE_NEAR = "duplicate_near"
    DUPLICATE_ANSWERS_DIFFER = "duplicate_answers_differ"
    TOO_MANY_VARIANTS = "too_many_variants"
    CONTAMINATED = "contaminated"
    CONTAMINATED_VARIANT = "contaminated_variant"
    TEST_TEMPLATE = "test_template"
    PROGRAM_MISSING = "program_missing"
    NO_STEPS = "no_steps"
    UNPARSABLE = "unparsable"
    DOES_NOT_RUN = "does_not_run"
    LIMIT = "limit"
    WRONG_ANSWER = "wrong_answer"
    UNGROUNDED = "ungrounded"
    AMBIGUOUS_LINK = "ambiguous_link"

    @property
    def sentence(self) -> str:
        """One sentence for people."""
        return _SENTENCES[self]


_SENTENCES = {
    RejectReason.NOT_RECORDED: "The recorded teacher holds no reply for this question.",
    RejectReason.SCRIPT_EXHAUSTED: "The scripted teacher has no reply left for this question.",
    RejectReason.TEACHER_FAILED: "The teacher could not be asked, or kept failing.",
    RejectReason.TEACHER_REFUSED: "The teacher refused to answer.",
    RejectReason.REPLY_TRUNCATED: "The teacher's reply was cut off at its token limit.",
    RejectReason.REPLY_NOT_JSON: "The teacher's reply is not JSON.",
    RejectReason.REPLY_WRONG_SHAPE: "The teacher's reply is JSON, but not a non-empty list of rules.",
    RejectReason.VOTE_LOST: "Too few of the rewritten rationales end in the reference answer.",
    RejectReason.NO_KNOWLEDGE_IN_SOURCE: "The source carries no knowledge for this row.",
    RejectReason.ROW_UNREADABLE: "The row of the table cannot be read, or a cell of it is no text.",
    RejectReason.QUESTION_EMPTY: "The question is empty or only white space.",
    RejectReason.QUESTION_NOT_TEXT: "The question, the rationale or the answer holds control characters or broken text.",
    RejectReason.ANSWER_MISSING: "The row has no reference answer.",
    RejectReason.ANSWER_UNPARSED: "The reference answer does not equal itself under the grader.",
    RejectReason.ANSWER_CONTRADICTED: "The rationale ends in another answer than the stated one.",
    RejectReason.ANNOTATION_WRONG: "A <<a*b=c>> annotation does not compute.",
    RejectReason.ANNOTATION_LEFT: "A calculator annotation, or a piece of one, stands where none belongs.",
    RejectReason.SENTENCES_GLUED: "A sentence begins right behind the full stop of another.",
    RejectReason.CHECK_FAILED: "A check could not be made on this row, which is a bug: please report it with the row.",
    RejectReason.LATEX_UNBALANCED: "Braces or $ signs in the row do not balance.",
    RejectReason.KNOWLEDGE_EMPTY: "A rule is empty.",
    RejectReason.KNOWLEDGE_FORMAT: "A rule is not one plain line (an enumerator, a label, markup, a line break or another control character).",
    RejectReason.TOO_LONG: "The prompt and target exceed the model's length limit.",
    RejectReason.ORIGINAL_UNKNOWN: "The row is a variant of a question that the dataset does not hold.",
    RejectReason.VARIANT_ASKS_ELSE: "The row has another answer than the question whose knowledge it would get.",
    RejectReason.BACKWARD_QUESTION: "The question asks backwards for a given of its original, so the original's knowledge is not its own.",
    RejectReason.DUPLICATE_EXACT: "An earlier row has the same question, rationale and answer, but for case and white space.",
    RejectReason.DUPLICATE_NEAR: "An earlier row has nearly the same question and rationale, and the same numbers and answer.",
    RejectReason.DUPLICATE_ANSWERS_DIFFER: "Another row has the same question and rationale, but another answer.",
    RejectReason.TOO_MANY_VARIANTS: "Its original question has as many variants as are wanted without it.",
    RejectReason.CONTAMINATED: "The question is that of a test set, or that with other words.",
    RejectReason.CONTAMINATED_VARIANT: "The row is a variant of the same original as a row whose question is that of a test set.",
    RejectReason.TEST_TEMPLATE: "The question is worded much like one of a test set, but its numbers or its answer are others.",
    RejectReason.PROGRAM_MISSING: "The row has no program.",
    RejectReason.NO_STEPS: "The rationale holds no step that a program could be made of.",
    RejectReason.UNPARSABLE: "The program, or the steps that it would be made of, cannot be parsed.",
    RejectReason.DOES_NOT_RUN: "The program raises an error, or leaves no number and no text in `answer`.",
    RejectReason.LIMIT: "The program ran into a limit of time, memory, recursion or output.",
    RejectReason.WRONG_ANSWER: "The program gives another answer than the reference one.",
    RejectReason.UNGROUNDED: "The program holds a number that neither the question nor a common constant explains.",
    RejectReason.AMBIGUOUS_LINK: "A number of a step may come from the question or from an earlier step.",
}
