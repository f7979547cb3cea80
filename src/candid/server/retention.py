"""How long a customer is kept after it was closed: a policy of the operator, the setting `retention_days`.

Every hour a running server looks who was closed longer ago, and has it erased as `candid erase --customer` does:
by an act, so that what is stored, known and opened of it goes together, and an entry of the log tells of it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from candid.governance import Acts, Customers
from candid.server.erasing import erase_customer_act

LOOK_SECONDS = 3600
_DAY_SECONDS = 86_400

_log = logging.getLogger("candid.retention")


class Retention:
    """Called often, by one thread; does something rarely."""

    _looked: float  # when it was looked last, seconds since the epoch
    _asked: set[str]  # customers whose erasure was asked for since the start

    def __init__(self, customers: Customers, acts: Acts, *, days: int, clock: Callable[[], float] = time.time) -> None:
        """Begin with a look at the first call.

        Args:
            customers: who was closed when.
            acts: takes the erasures.
            days: so long a closed customer is kept; 0: for ever.
            clock: seconds since the epoch.
        """
        self._customers, self._acts, self._days, self._clock = customers, acts, days, clock
        self._looked, self._asked = -math.inf, set()

    def __call__(self) -> None:
        """Do what is due.

        Raises:
            GovernanceError: customers cannot be read, or acts not written; it is tried again.
        """
        now = self._clock()
        if not self._days or now < self._looked + LOOK_SECONDS:
            return
        for customer in self._customers.closed_before(now - self._days * _DAY_SECONDS):
            if customer.id not in self._asked:
                self._acts.add(erase_customer_act(customer.id))
                self._asked.add(customer.id)
                _log.info("customer %s is to be erased: it was closed more than %d days ago", customer.id, self._days)
        self._looked = now
