from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import TextChoices

from orgs.base.actor import Actor
from orgs.base.resolver import DnsProblem

if TYPE_CHECKING:
    from orgs.domains.models import Domain

MAX_DOMAINS = 100
TXT_LABEL = "_gatehouse"
TXT_PREFIX = "gatehouse-verify="
# a TXT record stands below its domain, and DNS names end at 253 characters
MAX_NAME = 253 - len(f"{TXT_LABEL}.")
KEPT_VALUES = 10
# DNS is asked once in this time, however often somebody presses the button
CHECK_INTERVAL = timedelta(seconds=5)


class DomainState(TextChoices):
    PENDING = "pending", "Pending"
    VERIFIED = "verified", "Verified"
    LAPSED = "lapsed", "Lapsed"


class ProofOutcome(TextChoices):
    """What a look at DNS showed. After `unreachable` nothing is known; `taken` is proof that came second."""

    VERIFIED = "verified", "Record found"
    NOT_FOUND = "not_found", "No record"
    WRONG_VALUE = "wrong_value", "Another value"
    UNREACHABLE = "unreachable", "DNS didn't answer"
    TAKEN = "taken", "Verified by another organization"


@dataclass(frozen=True, slots=True)
class ProofCheck:
    """One look at DNS: what was found where the record belongs, and what should be there.

    `misplaced_at` is another name at which the record was found, when it is missing at its own.
    """

    outcome: ProofOutcome
    expected: str
    checked_at: datetime
    found: tuple[str, ...] = ()
    problem: DnsProblem | None = None
    misplaced_at: str = ""


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A domain as its card shows it: the record to publish, and what the last look at DNS showed, if there was one."""

    domain: "Domain"
    txt_host: str
    txt_value: str
    check: ProofCheck | None = None


FollowUp = Callable[["Domain", Actor], None]
_follow_ups: list[FollowUp] = []


def follows_proof(follow_up: FollowUp) -> FollowUp:
    """Mark what else is true once a domain is verified. It runs in the transaction of the proof, so it sends nothing."""
    _follow_ups.append(follow_up)
    return follow_up


def follow_ups_of_proof() -> tuple[FollowUp, ...]:
    """Return what the loaded apps have marked, in the order in which they were loaded."""
    return tuple(_follow_ups)


# anybody can have an address at these, so no organization can speak for them
PUBLIC_MAIL = frozenset(
    """
    gmail.com googlemail.com
    outlook.com outlook.de outlook.es outlook.fr outlook.it outlook.jp outlook.com.br
    hotmail.com hotmail.co.uk hotmail.de hotmail.es hotmail.fr hotmail.it hotmail.nl hotmail.se hotmail.com.br
    live.com live.ca live.co.uk live.com.au live.de live.dk live.fr live.it live.nl live.no live.se msn.com
    windowslive.com passport.com
    yahoo.com yahoo.ca yahoo.co.id yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com.ar yahoo.com.au yahoo.com.br
    yahoo.com.mx yahoo.com.sg yahoo.com.tr yahoo.com.tw yahoo.com.vn yahoo.de yahoo.es yahoo.fr yahoo.in yahoo.it
    ymail.com rocketmail.com myyahoo.com
    icloud.com me.com mac.com
    aol.com aol.de aol.co.uk aim.com verizon.net
    gmx.com gmx.net gmx.de gmx.at gmx.ch gmx.fr web.de freenet.de t-online.de mail.de posteo.de mailbox.org email.de
    mail.com email.com usa.com
    mail.ru inbox.ru list.ru bk.ru internet.ru rambler.ru yandex.com yandex.ru yandex.by yandex.kz ya.ru
    proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tutamail.com tuta.com tuta.io keemail.me
    zoho.com zohomail.com zohomail.eu zohomail.in fastmail.com fastmail.fm hey.com duck.com hushmail.com
    mailfence.com runbox.com startmail.com disroot.org riseup.net
    qq.com vip.qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com 139.com 189.cn
    naver.com daum.net hanmail.net nate.com kakao.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp
    rediffmail.com indiatimes.com
    orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr
    libero.it virgilio.it tiscali.it alice.it tin.it
    wp.pl o2.pl onet.pl op.pl interia.pl gazeta.pl seznam.cz email.cz centrum.cz azet.sk abv.bg ukr.net i.ua meta.ua
    uol.com.br bol.com.br terra.com.br ig.com.br globo.com
    comcast.net xfinity.com att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com
    rogers.com shaw.ca sympatico.ca videotron.ca telus.net
    btinternet.com btopenworld.com sky.com talktalk.net virginmedia.com ntlworld.com blueyonder.co.uk
    bigpond.com optusnet.com.au xtra.co.nz
    telenet.be skynet.be ziggo.nl kpnmail.nl planet.nl xs4all.nl home.nl bluewin.ch sunrise.ch aon.at
    telia.com online.no sapo.pt otenet.gr walla.co.il
    guerrillamail.com mailinator.com yopmail.com 10minutemail.com temp-mail.org trashmail.com sharklasers.com
    """.split()  # noqa: SIM905 - as a list it would fill three screens
)
