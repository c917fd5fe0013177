"""Sessions as a state machine: whatever happens in whatever order, the token opens what it should and no more."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import time_machine
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from decision_flow import audit, clock, identity
from decision_flow.config import Settings
from decision_flow.errors import Invalid, NotAuthenticated
from decision_flow.models import User
from tests.conftest import database_at

START = datetime(2026, 3, 9, 9, tzinfo=clock.BUSINESS_ZONE)
PEOPLE = ("chenbin", "linyue", "security")
WORDS = ("First-word-01", "Other-word-02", "Third-word-03")
ADMINISTRATOR = "security"


@dataclass
class Account:
    """What the model believes of an account."""

    password: str = WORDS[0]
    active: bool = True
    failures: int = 0
    locked_until: datetime | None = None


@dataclass
class Opened:
    """What the model believes of a session."""

    owner: str
    opened: datetime
    seen: datetime
    ended: bool = field(default=False)


class Sessions(RuleBasedStateMachine):
    """Drives the real operations beside the model; every token is compared after every step."""

    template: Path
    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        shutil.copy(self.template, f"{self.folder}/test.db")
        self.database = database_at(f"sqlite:///{self.folder}/test.db")
        self.settings = replace(Settings.of({"secret_key": "k" * 40}), demo=True)
        self.traveller = time_machine.travel(START, tick=False)
        self.time = self.traveller.start()
        hashed = identity.hash_password(WORDS[0])
        with self.database.transaction() as session:
            for user in session.scalars(select(User).where(User.username.in_(PEOPLE))):
                user.password_hash = hashed
        self.accounts = {name: Account() for name in PEOPLE}
        self.sessions: dict[str, Opened] = {}

    def teardown(self) -> None:
        with self.database.transaction(read_only=True) as session:
            for stream in (audit.ACCESS, audit.PEOPLE):
                assert audit.verify(session, stream) is None
        self.traveller.stop()
        self.database.dispose()
        shutil.rmtree(self.folder)

    def _live(self, opened: Opened) -> bool:
        idle = 15 if opened.owner == ADMINISTRATOR else 30
        return (
            not opened.ended
            and self.accounts[opened.owner].active
            and clock.now() - opened.seen <= timedelta(minutes=idle)
            and clock.now() < opened.opened + timedelta(minutes=600)
        )

    def _locked(self, account: Account) -> bool:
        return account.locked_until is not None and account.locked_until > clock.now()

    def _slip(self, account: Account) -> None:
        account.failures += 1
        if account.failures >= 5:
            account.failures, account.locked_until = 0, clock.now() + timedelta(minutes=15)

    @rule(target=tokens, name=st.sampled_from(PEOPLE), right=st.booleans(), old=st.none() | tokens)
    def sign_in(self, name: str, right: bool, old: str | None) -> str:
        account, problem, token = self.accounts[name], None, ""
        word = account.password if right else "wrong"
        with self.database.transaction() as session:
            try:
                token = identity.sign_in(session, name, word, self.settings, "", "", replaces=old or "")
            except NotAuthenticated as error:
                problem = error
        assert (problem is None) == (right and account.active and not self._locked(account))
        if problem is None:
            account.failures, account.locked_until = 0, None
            if old in self.sessions:
                self.sessions[old].ended = True
            assert token not in self.sessions
            self.sessions[token] = Opened(name, clock.now(), clock.now())
        elif not self._locked(account) and not right:
            self._slip(account)
        return token

    @rule(minutes=st.sampled_from((1, 7, 14, 15, 16, 31, 601)))
    def time_passes(self, minutes: int) -> None:
        self.time.shift(timedelta(minutes=minutes))

    @rule(token=tokens)
    def use(self, token: str) -> None:
        with self.database.transaction() as session:
            actor = identity.actor_for_token(session.connection(), token, self.settings)
            if actor is not None and identity.is_due_for_touch(actor):
                identity.touch(session, actor)
                self.sessions[token].seen = clock.now()

    @rule(token=tokens)
    def sign_out(self, token: str) -> None:
        with self.database.transaction() as session:
            actor = identity.actor_for_token(session.connection(), token, self.settings)
            if actor is not None:
                identity.sign_out(session, actor)
                self.sessions[token].ended = True

    @rule(name=st.sampled_from(PEOPLE))
    def revoke_all(self, name: str) -> None:
        with self.database.transaction() as session:
            identity.revoke_all(session, session.scalars(select(User.id).where(User.username == name)).one())
        self._end_all(name)

    @rule(name=st.sampled_from(PEOPLE), active=st.booleans())
    def disable_or_enable(self, name: str, active: bool) -> None:
        with self.database.transaction() as session:
            session.scalars(select(User).where(User.username == name)).one().active = active
        self.accounts[name].active = active

    @rule(target=tokens, token=tokens, right=st.booleans(), new=st.sampled_from((*WORDS, "weak")))
    def change_password(self, token: str, right: bool, new: str) -> str:
        with self.database.transaction() as session:
            actor = identity.actor_for_token(session.connection(), token, self.settings)
            if actor is None:
                return ""
            name = actor.username
            account, locked = self.accounts[name], self._locked(self.accounts[name])
            old = account.password if right else "wrong"
            try:
                fresh = identity.change_password(session, actor, old, new, self.settings)
            except Invalid:
                fresh = ""
        assert bool(fresh) == (right and not locked and new not in (old, "weak"))
        if not locked:
            if right:
                account.failures = 0
            else:
                self._slip(account)
        if fresh:
            account.password, account.failures, account.locked_until = new, 0, None
            self._end_all(name)
            self.sessions[fresh] = Opened(name, clock.now(), clock.now())
        return fresh

    def _end_all(self, name: str) -> None:
        for opened in self.sessions.values():
            opened.ended = opened.ended or opened.owner == name

    @invariant()
    def every_token_opens_what_it_should(self) -> None:
        with self.database.transaction(read_only=True) as session:
            assert identity.actor_for_token(session.connection(), "", self.settings) is None
            for token, opened in self.sessions.items():
                actor = identity.actor_for_token(session.connection(), token, self.settings)
                assert (actor.username if actor else None) == (opened.owner if self._live(opened) else None)


def test_sessions_in_any_order(sqlite_template: Path) -> None:
    Sessions.template = sqlite_template
    run_state_machine_as_test(
        Sessions, settings=hypothesis_settings(max_examples=25, stateful_step_count=40, deadline=None)
    )
