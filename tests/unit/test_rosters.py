"""Roster files of every kind become people, or rows with a reason; no row stops another."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest

from adapters.rosters.read import read_roster
from core.classes.enrol import LmsIds
from core.classes.roster_plan import RosterPlan, RosterRow
from core.enums import MembershipRole
from core.errors import Ambiguous, Corrupt, Empty, HomeroomError, InvalidInput, NotFound, WrongType

STUDENT, TEACHER = MembershipRole.STUDENT, MembershipRole.TEACHER
TODAY = date(2026, 9, 1)
ADA = RosterRow("line 2", "ada@example.org", "Ada Lovelace", "A", STUDENT)


def read(text: str | bytes, **options: str) -> RosterPlan:
    return read_roster(text if isinstance(text, bytes) else text.encode(), "roster.csv", today=TODAY, **options)


def reasons(plan: RosterPlan) -> dict[str, str]:
    return {row.where: row.reason for row in plan.unusable}


class TestPlainFiles:
    @pytest.mark.parametrize(
        "text",
        [
            "name,email,section,role\nAda Lovelace,ada@example.org,A,student\n",
            "E-Mail Address;Role;SECTION;Full name\nada@example.org;Learner;A;Ada Lovelace",
            "\ufeffRôle,Email,Last Name,First_Name,Group,Phone\r\n,ada@example.org,Lovelace,Ada,A,+41 1\r\n\r\n",
            '"email";"name";"section"\r" ada@example.org ";"Ada\u00a0Lovelace";A\r',
            "email\tname\tsection\nada@example.org\tAda Lovelace\tA\n",
        ],
        ids=["comma", "semicolon", "BOM, two names", "quoted", "tab"],
    )
    def test_columns_come_in_any_order_and_spelling(self, text: str) -> None:
        plan = read(text)
        assert (plan.rows, plan.unusable, plan.whole) == ((ADA,), (), True)

    def test_what_spreadsheets_write_is_read(self) -> None:
        assert read("email\tname\tsection\nada@example.org\tAda Lovelace\tA\n".encode("utf-16")).rows == (ADA,)
        assert read("sep=;\nemail;name\nada@example.org;Ada, Countess\n").rows[0].name == "Ada, Countess"

    def test_a_row_that_can_not_be_used_says_why_and_stops_no_other(self) -> None:
        plan = read(
            b"email,name,section,role,sis id\n"
            b"ada@example.org,Ada Lovelace,A,student,\n"
            b"nowhere,Bo,,,\n"
            b"=HYPERLINK(1),Bo,,,\n"
            b"bo@example.org,@SUM(1),,,\n"
            b"bo@example.org,B\x00o,,,\n"
            b"bo@example.org,J\xf6rg,,,\n"
            b"bo@example.org,Bo,,observer,\n"
            b',"Bo,A,,\n'
            b",Bo,A,,\n"
            b"bo@example.org,Lovelace, Bo,A,,extra\n"
            b"bo@example.org," + b"B" * 400 + b",,,\n"
            b'cy@example.org,"Cy\nYoung",,Instructor,7\n'
        )
        assert [(row.where, row.email, row.name, row.role) for row in plan.rows] == [
            ("line 2", "ada@example.org", "Ada Lovelace", STUDENT),
            ("line 13", "cy@example.org", "Cy Young", TEACHER),
        ]
        assert plan.rows[1].ids == LmsIds(sis_user_id="7")
        assert reasons(plan) == {
            "line 3": "“nowhere” is not an email address",
            "line 4": "its address begins with “=”, like a formula",
            "line 5": "its name begins with “@”, like a formula",
            "line 6": "its name holds a NUL, which no text does",
            "line 7": "its name is not in UTF-8; save the file as “CSV UTF-8”",
            "line 8": "the role “observer” is neither student nor teacher",
            "line 9": "a quotation mark is never closed, or stands inside a cell",
            "line 10": "it has no address and no id",
            "line 11": "it has more cells than there are columns",
            "line 12": "its name is longer than 300 characters",
        }

    @pytest.mark.parametrize(
        ("data", "error", "sentence"),
        [
            (b"", Empty, "roster.csv is empty."),
            (b"\xef\xbb\xbf\n ,,\n", Empty, "roster.csv is empty."),
            (b"ada@example.org,Ada\n", InvalidInput, "must name the columns"),
            (b"name,section\nAda,A\n", InvalidInput, "must name the columns"),
            (b'"email,name\nada@example.org,Ada\n', InvalidInput, "a quotation mark is never closed"),
            ("email,name\n".encode("utf-16-le"), InvalidInput, "CSV UTF-8"),
            (b"\xff\xfee\x00m", InvalidInput, "damaged"),
            (b"\x89PNG\r\n\x1a\n\x00\x00", InvalidInput, "must name the columns"),
            (b"PK\x03\x04 and no more", Corrupt, "damaged"),
        ],
    )
    def test_what_is_no_roster_is_refused_in_one_sentence(
        self, data: bytes, error: type[HomeroomError], sentence: str
    ) -> None:
        with pytest.raises(error) as refused:
            read(data)
        assert sentence in refused.value.sentence

    def test_logins_become_addresses_only_when_asked(self) -> None:
        text = "login,name\nada@example.org,Ada\nbo,Bo\ncy@host,Cy\n"
        assert [row.email for row in read(text).rows] == ["ada@example.org", None, None]
        completed = read(text, email_domain="@school.example").rows
        assert [(row.email, row.ids.login_id) for row in completed[:2]] == [
            ("ada@example.org", "ada@example.org"),
            ("bo@school.example", "bo"),
        ]
        with pytest.raises(InvalidInput):
            read(text, email_domain="two words")

    def test_ten_thousand_rows(self) -> None:
        rows = "".join(f"person{number}@example.org,Person {number}\n" for number in range(10_000))
        assert len(read("email,name\n" + rows).rows) == 10_000


class TestCanvas:
    HEADER = "Student,ID,SIS User ID,SIS Login ID,Section,Essay (15461093),Final Score\n"

    def test_people_are_those_below_the_headings_without_the_test_student(self) -> None:
        plan = read(
            self.HEADER + ",,,,,Manual Posting,\n    Points Possible,,,,,10.00,(read only)\n"
            '"Lovelace, Ada",11,s1,ada@example.org,A and B,EX,80\n'
            '"Hopper, Grace",12,,grace,A,,\n"Student, Test",14,,,A,0,0\n'
        )
        assert plan.rows == (
            RosterRow(
                "line 4", "ada@example.org", "Ada Lovelace", "A and B", ids=LmsIds("11", "s1", "ada@example.org")
            ),
            RosterRow("line 5", None, "Grace Hopper", "A", ids=LmsIds("12", None, "grace")),
        )
        assert (plan.unusable, plan.notes) == ((), ("Canvas's test student was left out.",))

    def test_names_in_two_columns_and_semicolons(self) -> None:
        plan = read(
            "LastName;FirstName;ID;SIS Login ID;Section;Essay, first part (1)\n"
            "    Points Possible;;;;;10,5\nLovelace;Ada;11;ada@example.org;A;9,5\nStudent;Test;14;;A;\n"
        )
        assert [(row.name, row.ids.lms_user_id) for row in plan.rows] == [("Ada Lovelace", "11")]
        assert len(plan.notes) == 1


class TestOneRoster:
    USERS = (
        "sourcedId,status,enabledUser,username,givenName,familyName,email\n"
        "u1,,TRUE,ada,Ada,Lovelace,ada@example.org\n"
        "u2,active,true,grace,Grace,Hopper,\n"
        "u3,tobedeleted,true,cy,Cy,Young,cy@example.org\n"
        "u4,,FALSE,di,Di,Prince,di@example.org\n"
        "u5,,true,ed,Ed,Teach,ed@example.org\n"
    )
    CLASSES = "sourcedId,status,title,classCode\nc1,,Astronomy,ASTRO-1\nc2,,Biology,\nc3,tobedeleted,Chemistry,\n"
    ENROLLMENTS = (
        "sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
        "e1,,c1,s,u1,student,,,2026-12-31\n"
        "e2,,c1,s,u2,student,,,\n"
        "e3,,c1,s,u3,student,,,\n"
        "e4,,c1,s,u4,student,,,\n"
        "e5,,c1,s,u5,teacher,true,,\n"
        "e6,,c1,s,u9,student,,,\n"
        "e7,,c1,s,u2,student,,,2026-08-31\n"
        "e8,,c1,s,u2,proctor,,,\n"
        "e9,,c2,s,u1,student,,,\n"
        "e1,,c1,s,u1,student,,,\n"
    )

    def pack(self, **files: str) -> bytes:
        named = {"users": self.USERS, "classes": self.CLASSES, "enrollments": self.ENROLLMENTS} | files
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in named.items():
                archive.writestr(f"export/{name}.csv", text)
        return packed.getvalue()

    def test_one_class_of_the_school(self) -> None:
        plan = read_roster(self.pack(), "school.zip", today=TODAY, known_as=("astro1",))
        assert [(row.where, row.name, row.email, row.role, row.ids) for row in plan.rows] == [
            ("enrollments.csv, line 2", "Ada Lovelace", "ada@example.org", STUDENT, LmsIds(None, "u1", "ada")),
            ("enrollments.csv, line 3", "Grace Hopper", None, STUDENT, LmsIds(None, "u2", "grace")),
            ("enrollments.csv, line 6", "Ed Teach", "ed@example.org", TEACHER, LmsIds(None, "u5", "ed")),
        ]
        assert {where.rpartition(" ")[2]: reason for where, reason in reasons(plan).items()} == {
            "4": "it is marked “tobedeleted”; nobody leaves by a roster",
            "5": "this person's account is not enabled",
            "7": "users.csv does not list this person",
            "8": "this enrolment ended on 2026-08-31",
            "9": "the role “proctor” is neither student nor teacher",
        }
        assert plan.whole

    def test_which_class_is_asked_when_it_is_not_clear(self) -> None:
        with pytest.raises(Ambiguous) as several:
            read_roster(self.pack(), "school.zip", today=TODAY, known_as=("SKY", "The sky"))
        assert several.value.candidates == ("Astronomy (c1)", "Biology (c2)")
        for name in ("c2", "biology"):
            assert len(read_roster(self.pack(), "school.zip", today=TODAY, from_class=name).rows) == 1
        with pytest.raises(NotFound):
            read_roster(self.pack(), "school.zip", today=TODAY, from_class="Chemistry")
        with pytest.raises(InvalidInput):
            read("email\n", from_class="c1")
        only = self.pack(classes="sourcedId,title\nc1,Astronomy\n")
        assert len(read_roster(only, "school.zip", today=TODAY).rows) == 3

    def test_an_export_of_changes_is_not_the_whole_class(self) -> None:
        delta = self.pack(manifest="propertyName,value\noneroster.version,1.1\nfile.enrollments,delta\n")
        assert not read_roster(delta, "school.zip", today=TODAY, from_class="c1").whole

    def test_other_zips_are_refused(self) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("xl/workbook.xml", "<workbook/>")
        with pytest.raises(WrongType, match="spreadsheet"):
            read(packed.getvalue())
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("users.csv", self.USERS)
        with pytest.raises(WrongType, match=r"no enrollments\.csv and no classes\.csv"):
            read(packed.getvalue())
        with pytest.raises(Corrupt):
            read(self.pack()[:-40])
