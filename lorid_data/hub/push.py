"""A folder onto the Hub in one commit, and a tag on it.

Before anything is sent the head is read; the commit names it as its parent, so it fails where
another commit came between. A commit is never repeated blindly: if its reply was lost, the head
is compared first. Killed at any moment, the Hub shows the old files or the new ones, and the same
command again completes it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError, StageError
from lorid_data.hub.calls import (
    Patience,
    calling,
    error_line,
    given_up,
    may_pass,
    pause,
    status_of,
    staying,
    wait_s,
)
from lorid_data.hub.state import (
    Diff,
    LocalFile,
    RemoteState,
    Target,
    compare,
    files_at,
    local_files,
    read_state,
)

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, HfApi


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did.

    Attributes:
        commit: the commit that holds the folder.
        made_commit: False where the Hub had every file already.
        tag: the tag on it; None for a pull request.
        pull_request: `refs/pr/N`, if one was asked for.
    """

    commit: str
    made_commit: bool
    tag: str | None
    pull_request: str | None = None

    @property
    def revision(self) -> str:
        """What to load it by."""
        return self.tag or self.pull_request or self.commit


@dataclass(frozen=True, slots=True)
class Push:
    """One folder on its way to one repository.

    Attributes:
        api: the client.
        target: where to.
        folder: what to publish, whole.
        owned: top folders in which nothing stays that is not in `folder`.
        message: first line of the commit.
        tag: the tag to set.
        patience: how failures that pass are waited for.
    """

    api: HfApi
    target: Target
    folder: Path
    owned: Collection[str]
    message: str
    tag: str
    patience: Patience

    def run(self, start: RemoteState) -> Pushed:
        """Publish, or find that it has been published.

        Args:
            start: the state that was read before the folder was made.

        Raises:
            ConfigError: the tag stands on other files, or the repository is public and must not be.
            StageError: the head has moved since, or the Hub kept failing.
        """
        local = local_files(self.folder)
        self._check(start, local)
        state = self._ensure(start)
        diff = compare(local, state.files, self.owned)
        assert state.head is not None, "a repository has a head"
        if diff.is_empty:
            commit, made, pull_request = state.head, False, None
        elif self.target.create_pr:
            return self._pull_request(local, diff, state.head)
        else:
            commit, made, pull_request = self._commit(local, diff, state.head), True, None
        is_tagged = self.tag in start.tags  # and on these files: `_check` has looked
        tag = self.tag if is_tagged else self._tag(local, commit)
        return Pushed(commit, made, tag, pull_request)

    def _check(self, start: RemoteState, local: Mapping[str, LocalFile]) -> None:
        if start.exists and self.target.private and not start.is_private:
            msg = f"{self.target} is public, and --private was asked for; make it private on the Hub, or choose another id"
            raise ConfigError(msg)
        at = start.tags.get(self.tag)
        if at is not None and not self.target.create_pr and not self._holds(at, local):
            msg = f"{self.target}: the tag {self.tag!r} stands on other files ({at[:12]}); tags are not moved: choose another --tag"
            raise ConfigError(msg)

    def _holds(self, revision: str, local: Mapping[str, LocalFile]) -> bool:
        files = files_at(self.api, self.target, revision, self.patience)
        return compare(local, files, self.owned).is_empty

    # --- the repository and its branch ----------------------------------------------------------

    def _ensure(self, start: RemoteState) -> RemoteState:
        """The state to commit onto: the one at the start, or of a repository just created."""
        if start.head is not None:
            return start
        if not start.exists:
            self._create()
        elif self.target.revision != "main":
            self._make_branch()
        state = read_state(self.api, self.target, self.patience)
        if state.head is None:
            msg = f"{self.target}: no branch {self.target.revision!r}, and it could not be made"
            raise StageError(msg)
        if not start.exists and set(state.files) - {".gitattributes", "README.md"}:
            # It was made by someone else since, and it is not the new, empty one.
            if compare(local_files(self.folder), state.files, self.owned).is_empty:
                return state
            raise StageError(self._moved("nothing", state.head))
        if self.target.private and not state.is_private:
            msg = (
                f"{self.target}: was made public by someone else since, and --private was asked for"
            )
            raise StageError(msg)
        if not start.exists and self.target.revision != "main":
            return self._ensure(state)
        return state

    def _create(self) -> None:
        from huggingface_hub.errors import HfHubHTTPError

        try:
            calling(
                f"creating {self.target}",
                lambda: self.api.create_repo(
                    self.target.repo_id,
                    repo_type=self.target.kind,
                    private=self.target.private or None,
                ),
                self.patience,
            )
        except HfHubHTTPError as e:
            if status_of(e) != 409:  # made by someone else, or by a call whose reply was lost
                msg = f"{self.target}: cannot be created ({error_line(e)}); check the token and the owner"
                raise StageError(msg) from e

    def _make_branch(self) -> None:
        calling(
            f"making the branch {self.target.revision}",
            lambda: self.api.create_branch(
                self.target.repo_id,
                branch=self.target.revision,
                repo_type=self.target.kind,
                exist_ok=True,
            ),
            self.patience,
        )

    # --- the commit -----------------------------------------------------------------------------

    def _operations(self, local: Mapping[str, LocalFile], diff: Diff) -> list[Any]:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        adds = [CommitOperationAdd(p, str(local[p].path)) for p in (*diff.added, *diff.changed)]
        return [*adds, *(CommitOperationDelete(p) for p in diff.deleted)]

    def _send(self, operations: list[Any], parent: str) -> CommitInfo:
        """Upload what is not uploaded yet, then commit; called again with the same operations."""
        from huggingface_hub import CommitOperationAdd

        adds = [o for o in operations if isinstance(o, CommitOperationAdd)]
        calling(
            f"uploading to {self.target}",
            lambda: self.api.preupload_lfs_files(
                self.target.repo_id,
                adds,
                repo_type=self.target.kind,
                revision=self.target.revision,
                create_pr=self.target.create_pr,
                free_memory=False,
            ),
            self.patience,
        )
        return staying(
            f"committing to {self.target}",
            lambda: self.api.create_commit(
                self.target.repo_id,
                operations,
                commit_message=self.message,
                repo_type=self.target.kind,
                revision=self.target.revision,
                parent_commit=parent,
                create_pr=self.target.create_pr,
            ),
        )

    def _commit(self, local: Mapping[str, LocalFile], diff: Diff, parent: str) -> str:
        operations = self._operations(local, diff)
        what = f"committing to {self.target}"
        begin, policy = time.monotonic(), self.patience.policy
        for attempt in range(1, policy.attempts + 1):
            try:
                return str(self._send(operations, parent).oid)
            except Exception as e:  # noqa: BLE001  (judged by what it is)
                failure = e
            if status_of(failure) not in (409, 412) and not may_pass(failure):
                raise StageError(
                    f"{self.target}: not committed ({error_line(failure)})"
                ) from failure
            pause_s = wait_s(failure, attempt, policy)
            is_last = attempt == policy.attempts or time.monotonic() - begin + pause_s > policy.deadline_s  # fmt: skip
            if not is_last:
                pause(what, failure, pause_s, self.patience)
            # The reply may be what was lost: look before it is sent again.
            now = read_state(self.api, self.target, self.patience)
            if now.head is not None and compare(local, now.files, self.owned).is_empty:
                return now.head
            if now.head != parent:
                raise StageError(self._moved(parent[:12], now.head)) from failure
            if is_last:
                raise StageError(given_up(what, failure, attempt, pause_s)) from failure
        raise AssertionError

    def _moved(self, old: str, new: str | None) -> str:
        return (
            f"{self.target}: the head of {self.target.revision!r} has moved since it was read "
            f"({old} → {(new or 'nothing')[:12]}): someone else published; nothing of this was; "
            "look at it, then run the same command again to publish on top"
        )

    # --- pull requests and tags -----------------------------------------------------------------

    def _pull_request(self, local: Mapping[str, LocalFile], diff: Diff, parent: str) -> Pushed:
        """Open a pull request, or find the one that an earlier call opened."""
        operations = self._operations(local, diff)
        what = f"opening a pull request to {self.target}"
        begin, policy = time.monotonic(), self.patience.policy
        for attempt in range(1, policy.attempts + 1):
            found = self._open_pull_request(local)
            if found is not None:
                return Pushed(found, made_commit=attempt > 1, tag=None, pull_request=found)
            try:
                made = self._send(operations, parent)
            except Exception as e:
                if not may_pass(e):
                    raise StageError(f"{self.target}: no pull request ({error_line(e)})") from e
                pause_s = wait_s(e, attempt, policy)
                late = time.monotonic() - begin + pause_s > policy.deadline_s
                if attempt == policy.attempts or late:
                    raise StageError(given_up(what, e, attempt, pause_s)) from e
                pause(what, e, pause_s, self.patience)
            else:
                return Pushed(
                    str(made.oid), made_commit=True, tag=None, pull_request=made.pr_revision
                )
        raise AssertionError

    def _open_pull_request(self, local: Mapping[str, LocalFile]) -> str | None:
        """The revision of an open pull request with exactly these files."""
        found = calling(
            f"reading the pull requests of {self.target}",
            lambda: list(
                self.api.get_repo_discussions(
                    self.target.repo_id,
                    repo_type=self.target.kind,
                    discussion_type="pull_request",
                    discussion_status="open",
                )
            ),
            self.patience,
        )
        revisions = [f"refs/pr/{pr.num}" for pr in found if pr.title == self.message]
        return next((r for r in revisions if self._holds(r, local)), None)

    def _tag(self, local: Mapping[str, LocalFile], commit: str) -> str:
        """Set the tag, or find it on these files."""
        from huggingface_hub.errors import HfHubHTTPError

        try:
            calling(
                f"tagging {self.target}",
                lambda: self.api.create_tag(
                    self.target.repo_id,
                    tag=self.tag,
                    revision=commit,
                    repo_type=self.target.kind,
                ),
                self.patience,
            )
        except HfHubHTTPError as e:
            if status_of(e) != 409 or not self._holds(self.tag, local):
                msg = f"{self.target}: published as {commit[:12]}, but not tagged {self.tag!r} ({error_line(e)})"
                raise StageError(msg) from e
        return self.tag
