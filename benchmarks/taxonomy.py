"""A taxonomy as a large company has one: 20 areas, 200 subjects, 25 labels each.

Names share their words: each problem is one of nearly all subjects, and each subject stands in its
25 names. No word tells a label from all others, which is what makes one of 5,000 hard to find.
"""

import random
from typing import Any

AREAS = {
    "Cards": (
        "credit card, debit card, virtual card, card PIN, card limit, contactless, spare "
        "card, card cover, cashback, card control"
    ),
    "Accounts": (
        "current account, joint account, savings account, account name, statement, overdraft, "
        "account closure, standing order, interest, balance"
    ),
    "Payments": (
        "bank transfer, direct debit, instant payment, foreign payment, payment limit, "
        "cheque, cash deposit, top-up, exchange rate, recipient"
    ),
    "Lending": (
        "mortgage, car loan, student loan, instalment plan, early repayment, credit check, "
        "guarantor, late fee, loan offer, refinancing"
    ),
    "Insurance": (
        "travel insurance, home insurance, car insurance, health cover, pet cover, claim, "
        "premium, deductible, policy, liability"
    ),
    "Orders": (
        "order, order number, gift order, bulk order, pre-order, subscription box, basket, "
        "voucher, price match, order confirmation"
    ),
    "Delivery": (
        "parcel, courier, delivery slot, pickup point, customs, address label, express "
        "delivery, freight, delivery note, safe place"
    ),
    "Returns": (
        "return label, refund, exchange, store credit, warranty, repair, damaged item, "
        "missing part, return window, restocking fee"
    ),
    "Billing": (
        "invoice, credit note, tax number, payment reminder, purchase order, receipt, billing "
        "address, autopay, proration, chargeback"
    ),
    "Plans": (
        "mobile plan, data plan, family plan, roaming, prepaid credit, contract, upgrade, "
        "number porting, SIM card, voicemail"
    ),
    "Internet": (
        "broadband, router, fibre line, wifi, landline, speed test, static address, outage, "
        "technician visit, television box"
    ),
    "Devices": (
        "phone, tablet, laptop, watch, headset, charger, printer, screen, battery, keyboard"
    ),
    "Software": (
        "mobile app, web portal, plugin, licence key, update, backup, cloud storage, "
        "calendar, mailbox, spreadsheet export"
    ),
    "Access": (
        "password, user name, two-factor code, single sign-on, security question, passkey, "
        "locked profile, admin role, guest access, session"
    ),
    "Staff": (
        "payslip, holiday request, sick note, expense claim, timesheet, pension, parental "
        "leave, bonus, training course, job reference"
    ),
    "Facilities": (
        "meeting room, parking space, badge, desk booking, heating, cleaning, canteen, lift, "
        "fire drill, visitor"
    ),
    "Travel": (
        "flight, hotel, rental car, train ticket, visa, seat, luggage, lounge, itinerary, "
        "travel agent"
    ),
    "Energy": (
        "meter reading, tariff, solar panel, gas supply, power cut, heat pump, smart meter, "
        "moving house, feed-in payment, boiler"
    ),
    "Health": (
        "appointment, prescription, test result, referral, vaccination, hospital bill, "
        "medical record, therapist, dental plan, glasses"
    ),
    "Legal": (
        "data request, complaint, power of attorney, bequest, trademark, non-disclosure, "
        "lawsuit, consent, cookie banner, whistleblower report"
    ),
}
PROBLEMS = (
    "not received, pending, declined, cancelled, charged twice, wrong amount, lost, "
    "stolen, expired, not working, delayed, blocked, not recognised, change request, "
    "proof needed, fee, limit reached, duplicate, refund, renewal, activation, "
    "verification, wrong details, missing, damaged, reverted, availability, cost "
    "question, how it works, feedback, overdue, incomplete, transfer to others, "
    "reactivation, suspended, eligibility, deadline, price increase, discount, error "
    "message"
)
CIRCUMSTANCES = (
    "abroad, after renewal, for a minor, by phone, in the app, for a business, on "
    "weekends, after moving, for a third party, during a trial, at year end, after an "
    "update, by post, without notice, in instalments, before the start"
)
NAMES = ["{0} {1}", "{0} {1}", "{0} {1} {2}", "{1}: {0}", "{1}: {0} {2}"]
LABELS_EACH = 25  # 20 x 10 x 25 = 5,000
Row = dict[str, Any]


def taxonomy(*, seed: int) -> list[Row]:
    """Return 20 areas, 200 subjects below them and 5,000 labels below those, as a file has them."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for area, subjects in AREAS.items():
        rows.append(_group(area, None))
        for subject in subjects.split(", "):
            rows.append(_group(f"{area} {subject}", area, name=subject))
            rows += _labels(subject, f"{area} {subject}", chance)
    return rows


def _group(key: str, parent: str | None, *, name: str = "") -> Row:
    return {"id": key, "name": _sentence(name or key), "parent": parent, "assignable": False}


def _labels(subject: str, parent: str, chance: random.Random) -> list[Row]:
    names: dict[str, str] = {}
    problems, circumstances = PROBLEMS.split(", "), CIRCUMSTANCES.split(", ")
    while len(names) < LABELS_EACH:
        problem, circumstance = chance.choice(problems), chance.choice(circumstances)
        name = _sentence(chance.choice(NAMES).format(subject, problem, circumstance))
        said = f"Somebody writes about {subject}: {problem}, {circumstance}."
        names.setdefault(name, said)
    return [
        {"id": f"{parent} {number}", "name": name, "parent": parent, "description": said}
        for number, (name, said) in enumerate(names.items())
    ]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
