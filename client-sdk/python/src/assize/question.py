"""What is asked: may a subject do an action on a resource?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Union

from typing_extensions import Self

AttributeValue = Union[str, int, float, bool, datetime, "Sequence[AttributeValue]", "Mapping[str, AttributeValue]"]
"""A string, whole number, float, bool or aware datetime, or a list or map of them, at most four deep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May `subject` do `action` on `resource`? Immutable.

    Args:
        subject: `type:id`, for example `user:alice@acme.com`.
        resource: segments `type:id` joined by `/`.
        action: case-sensitive.
        tenant: empty means the client's.
        env: empty means the client's.
        subject_tenant: the subject's home; empty means the tenant asked about.
        subject_attributes, resource_attributes, context: attributes that the request brings along.
        active_roles: the roles the subject acts in; none means all that it holds.
        on_behalf_of: who must be allowed as well, where the subject acts for somebody.
        on_behalf_of_tenant: that one's home; empty means the tenant asked about.
        run_id: the run this is a part of.
        min_revision: answer from this revision of the policy or a later one.
        at_revision: ask about the past, by the policy of this revision. Nobody may act on the answer.
        as_of: ask about the past, at this moment. Nobody may act on the answer.
    """

    subject: str
    resource: str
    action: str
    tenant: str = ""
    env: str = ""
    subject_tenant: str = ""
    subject_attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    resource_attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    context: Mapping[str, AttributeValue] = field(default_factory=dict)
    active_roles: Sequence[str] = ()
    on_behalf_of: str = ""
    on_behalf_of_tenant: str = ""
    run_id: str = ""
    min_revision: int = 0
    at_revision: int = 0
    as_of: datetime | None = None

    @classmethod
    def who_may(cls, action: str, resource: str, **more: Any) -> Self:
        """For `search_subjects`: who may do the action on the resource? `more` are the other members."""
        return cls(subject="", resource=resource, action=action, **more)

    @classmethod
    def on_what_may(cls, subject: str, action: str, **more: Any) -> Self:
        """For `search_resources`: on what may the subject do the action?"""
        return cls(subject=subject, resource="", action=action, **more)

    @classmethod
    def what_may(cls, subject: str, resource: str, **more: Any) -> Self:
        """For `search_actions`: what may the subject do on the resource?"""
        return cls(subject=subject, resource=resource, action="", **more)

    @property
    def about_the_past(self) -> bool:
        """Whether the answer can only be for knowing, and not for acting."""
        return self.at_revision != 0 or self.as_of is not None

    def within(self, tenant: str, env: str) -> Question:
        """The same, with the tenant and environment that it leaves open."""
        return replace(self, tenant=self.tenant or tenant, env=self.env or env)


def escape_id(text: str) -> str:
    """An id as it stands in a resource path, in which `/` and `%` have a meaning of their own."""
    return text.replace("%", "%25").replace("/", "%2F")
