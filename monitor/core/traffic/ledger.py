"""Who asked what, when and how often: counts per day, question and client, bounded in number and in days."""

from collections import Counter
from collections.abc import Iterable, Iterator

from monitor.core.model.events import Segment
from monitor.core.traffic.model import ANONYMOUS, TrafficAsk, TrafficQuestion, TrafficStanding

AskKey = tuple[int, bytes, bytes]
"""Day, mark of the question, mark of the client."""


class TrafficLedger:
    """The kept rows, and which of them changed since somebody took them.

    Where there would be more rows than `most`, every other client is left out, rows and all, and again until they
    fit: `level` says how often. A client is in the sample by its mark alone (an anonymous ask by its question's), so
    what is kept does not depend on the order of arrival. Source: Wegman's adaptive sampling, in Flajolet, Computing
    43 (1990).

    Args:
        days: that are kept, the newest included.
        most: rows at most.
    """

    def __init__(self, days: int, most: int) -> None:
        self.days, self.most = days, most
        self.level = 0
        self.newest = 0
        """The newest day, in days since the epoch; 0 before the first ask."""
        self.questions: dict[bytes, TrafficQuestion] = {}
        self.asks: dict[AskKey, tuple[int, int]] = {}
        self._askers: Counter[bytes] = Counter()
        """Rows by question."""
        self._changed_asks: set[AskKey] = set()
        self._changed_questions: set[bytes] = set()
        self._gone_asks: set[AskKey] = set()
        self._gone_questions: set[bytes] = set()

    def __len__(self) -> int:
        return len(self.asks)

    def restore(
        self, level: int, newest: int, questions: Iterable[TrafficQuestion], asks: Iterable[TrafficAsk]
    ) -> None:
        """Take up what was kept, into an empty ledger."""
        self.level, self.newest = level, newest
        self.questions = {of.mark: of for of in questions}
        self.asks = {(of.day, of.question, of.client): (of.count, of.value) for of in asks}
        self._askers = Counter(question for _, question, _ in self.asks)

    def samples(self, question: bytes, client: bytes) -> bool:
        """Whether asks of this client are looked at."""
        return _in_sample(question, client, self.level)

    def keeps(self, day: int) -> bool:
        """Whether a day is young enough to be kept."""
        return day > self.newest - self.days

    def add(self, ask: TrafficAsk, segment: Segment) -> None:
        """Count an ask; one that is too old, or of a client outside of the sample, comes to nothing."""
        if ask.day > self.newest:
            self.newest = ask.day
            self._drop([of for of in self.asks if not self.keeps(of[0])])
        if not self.keeps(ask.day) or not self.samples(ask.question, ask.client):
            return
        key = (ask.day, ask.question, ask.client)
        before = self.asks.get(key)
        if before is None:
            self._askers[ask.question] += 1
            self._gone_asks.discard(key)
            if ask.question not in self.questions:
                self._gone_questions.discard(ask.question)
                self._put(TrafficQuestion(ask.question, segment))
        count, value = before or (0, 0)
        self.asks[key] = (count + ask.count, value + ask.value)
        self._changed_asks.add(key)
        while len(self.asks) > self.most:
            self.level += 1
            self._drop([of for of in self.asks if not _in_sample(of[1], of[2], self.level)])

    def judge(self, mark: bytes, standing: TrafficStanding | None) -> None:
        """How a question that is kept stands; one that is not comes to nothing."""
        before = self.questions.get(mark)
        if before is not None and before.standing != standing:
            self._put(TrafficQuestion(mark, before.segment, standing))

    def rows(self) -> Iterator[TrafficAsk]:
        """All asks."""
        for (day, question, client), (count, value) in self.asks.items():
            yield TrafficAsk(day, question, client, count, value)

    def changes(
        self,
    ) -> tuple[tuple[TrafficQuestion, ...], tuple[TrafficAsk, ...], tuple[AskKey, ...], tuple[bytes, ...]]:
        """Questions and asks that changed since the call before, and keys of those that went."""
        questions = tuple(self.questions[mark] for mark in sorted(self._changed_questions))
        asks = tuple(TrafficAsk(*key, *self.asks[key]) for key in sorted(self._changed_asks))
        made = questions, asks, tuple(sorted(self._gone_asks)), tuple(sorted(self._gone_questions))
        for of in (self._changed_questions, self._changed_asks, self._gone_asks, self._gone_questions):
            of.clear()
        return made

    def _put(self, question: TrafficQuestion) -> None:
        self.questions[question.mark] = question
        self._changed_questions.add(question.mark)

    def _drop(self, keys: Iterable[AskKey]) -> None:
        for key in keys:
            del self.asks[key]
            self._changed_asks.discard(key)
            self._gone_asks.add(key)
            self._askers[key[1]] -= 1
            if not self._askers[key[1]]:
                del self._askers[key[1]], self.questions[key[1]]
                self._changed_questions.discard(key[1])
                self._gone_questions.add(key[1])


def _in_sample(question: bytes, client: bytes, level: int) -> bool:
    """Whether the first `level` bits of the client's mark are 0; of an anonymous ask, those of the question's."""
    if not level:
        return True
    mark = question if client == ANONYMOUS else client
    return int.from_bytes(mark[:8], "big") >> max(0, 64 - level) == 0
