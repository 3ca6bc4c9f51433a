"""What an operator changes in Clemta by hand during the storm."""

from typing import Any

from bench.chaos.clemta import ClemtaControl
from bench.chaos.senders import Answers, Senders, SignUp

DELETED = "deleted"  # how the e-mail addresses begin whose contact is deleted by hand
UPDATED = "updated"  # and those whose contact is edited by hand, while newer events update it
VERSIONS = 5  # of each updated person
DESCRIPTION = "call after 5 pm"


class ManualChanges:
    """Deletes some contacts, whose people then sign up again, and edits others: each once."""

    def __init__(self, clemta: ClemtaControl, senders: Senders, answers: Answers) -> None:
        self._clemta = clemta
        self._senders = senders
        self._answers = answers
        self._deleted: set[str] = set()
        self._edited: set[str] = set()

    def apply(self) -> None:
        """Changes every contact that is new since the last call."""
        for contact in self._clemta.contacts():
            email = contact["email"]
            if email.startswith(DELETED) and email not in self._deleted:
                self._delete(contact)
            elif email.startswith(UPDATED) and email not in self._edited:
                self._edit(contact)

    def result(self) -> dict[str, int]:
        """What became of the contacts that were deleted, updated and edited."""
        contacts = {contact["email"]: contact for contact in self._clemta.contacts()}
        updated = [contact for email, contact in contacts.items() if email.startswith(UPDATED)]
        edited = [contacts[email] for email in self._edited if email in contacts]
        newest = SignUp("", "profile", VERSIONS).full_name
        return {
            "deleted_by_hand": len(self._deleted),
            "not_made_again": len(self._deleted - contacts.keys()),
            "updated": len(updated),
            "overwritten_by_older": sum(contact["full_name"] != newest for contact in updated),
            "edited_by_hand": len(edited),
            "edits_lost": sum(contact["description"] != DESCRIPTION for contact in edited),
        }

    def _delete(self, contact: dict[str, Any]) -> None:
        self._deleted.add(contact["email"])
        self._clemta.call("DELETE", f"contacts/{contact['id']}")
        self._senders.deliver(SignUp(contact["email"], "website"), self._answers)

    def _edit(self, contact: dict[str, Any]) -> None:
        self._edited.add(contact["email"])
        self._clemta.call("PATCH", f"contacts/{contact['id']}", {"description": DESCRIPTION})
