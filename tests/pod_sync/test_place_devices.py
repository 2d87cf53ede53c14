"""Three devices in one pod, whatever they do and in whatever order: they agree."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pod_sync.memory import Fleeting
from tests.pod_sync.placing import A, B, C, Pod, segment


class Devices(RuleBasedStateMachine):
    """Three devices write, delete, die, forget: whatever is announced, all of them agree on."""

    @initialize()
    def begin(self):
        self.pod = Pod()
        self.places = {}
        self.count = 0
        self.there = set()
        self.new = {feed: set() for feed in (A, B, C)}
        self.out = {feed: set() for feed in (A, B, C)}
        for feed in (A, B, C):
            self.run_again(feed)

    def run_again(self, feed):
        self.places[feed] = self.pod.device(feed)
        self.listed = self.places[feed].sizes()
        # What a dead run had written whole counts as written by the next.
        self.new[feed] = set(self.listed) - self.there
        self.out[feed] = set()

    @rule(feed=st.sampled_from([A, B, C]))
    def write(self, feed):
        self.count += 1
        name, content = segment(feed, self.count)
        self.places[feed].write(name, content)
        self.new[feed].add(name)

    @rule(feed=st.sampled_from([A, B, C]), draw=st.randoms(use_true_random=False))
    def delete(self, feed, draw):
        there = sorted(self.places[feed].sizes())
        if there:
            name = draw.choice(there)
            self.places[feed].delete(name)
            self.new[feed].discard(name)
            self.out[feed].add(name)

    @rule(feed=st.sampled_from([A, B, C]))
    def flush(self, feed):
        self.places[feed].flush()
        self.there = (self.there | self.new[feed]) - self.out[feed]
        self.new[feed], self.out[feed] = set(), set()

    @rule(feed=st.sampled_from([A, B, C]))
    def die(self, feed):
        self.places[feed].close()
        self.run_again(feed)

    @rule(feed=st.sampled_from([A, B, C]))
    def forget(self, feed):
        self.places[feed].close()
        self.pod.memories[feed] = Fleeting()
        self.run_again(feed)

    @invariant()
    def all_agree(self):
        if self.count % 3 == 0:
            assert set(self.pod.device("").sizes()) == self.there

    def teardown(self):
        if not hasattr(self, "pod"):
            return
        for _ in range(2):
            for feed in (A, B, C):
                self.die(feed)
                self.flush(feed)
        for feed in (A, B, C):
            place = self.pod.device(feed)
            assert set(place.sizes()) == self.there == set(self.pod.files())
            assert all(place.read(name) for name in self.there)
            assert len(self.pod.files()) == len(self.there)


TestDevices = Devices.TestCase
TestDevices.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
