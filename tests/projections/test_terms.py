"""Words that say something private: what is found, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.redaction import terms
from projections.redaction.fold import composed, folded
from projections.redaction.kinds import Kind
from tests.linear import growth


def found(text, *kinds):
    """Return what is found of some kinds, in order, the longest where some lie in each other."""
    fold = folded(composed(text))
    spans = sorted(
        {(one.start, -one.end) for one in terms.find(fold) if not kinds or one.kind in kinds}
    )
    texts, done = [], 0
    for start, end in spans:
        if -end > done:
            texts.append(fold.text[start:-end])
            done = -end
    return texts


@pytest.mark.parametrize(
    "term",
    [
        "Type 2 Diabetes Mellitus",
        "Stage II breast cancer",
        "chronic kidney disease stage 3",
        "fracture of the left femur",
        "acute lymphoblastic leukaemia",
        "Major Depressive Disorder",
        "severe aortic stenosis",
        "Crohn's disease",
        "post-traumatic stress disorder",
        "metastatic prostate cancer",
        "pancreatic insufficiency",
        "left knee injury",
        "hip replacement",
        "cholecystectomy",
        "colonoscopy",
        "MRI brain",
        "flu shot",
        "HIV positive",
        "weeks pregnant",
        "tore my ACL",
        "Friedreich's ataxia",
        "Zorgon's syndrome",
        "concussions",
        "allergic to peanuts, shellfish and penicillin",
    ],
)
def test_conditions_and_treatments_are_found_whole(term):
    assert found(f"It listed {term}, we were told.") == [term]


@pytest.mark.parametrize(
    "term",
    [
        "Metformin 500mg",
        "Metoprolol succinate ER 50 mg PO daily",
        "insulin glargine 10 units at bedtime",
        "Ozempic",
        "Obscurimab 40 mg",
        "Fanvastatin",
        "Unheardof 12.5 mcg",
    ],
)
def test_a_medicine_is_found_with_its_dose_even_under_a_new_name(term):
    assert found(f"Started {term}.") == [term]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ich habe Brustkrebs und nehme Blutdrucktabletten.", ["Brustkrebs", "Blutdrucktabletten"]),
        ("Er hat eine Nierenbeckenentzündung.", ["Nierenbeckenentzundung"]),
        (
            "Elle est enceinte et elle a une sclérose en plaques.",
            ["enceinte", "sclerose en plaques"],
        ),
        ("Mi madre tiene cáncer de mama y toma insulina.", ["cancer de mama", "insulina"]),
        ("Soffre di emicrania e di depressione.", ["emicrania", "depressione"]),
        ("Tenho pressão alta e enxaqueca.", ["pressao alta", "enxaqueca"]),
        ("Ze heeft suikerziekte en een paniekaanval gehad.", ["suikerziekte", "paniekaanval"]),
        ("Choruję na cukrzycę i nadciśnienie.", ["cukrzyce", "nadcisnienie"]),
    ],
)
def test_seven_more_languages_speak_of_health(text, expected):
    assert found(text, Kind.HEALTH) == expected


@pytest.mark.parametrize(
    "text",
    [
        "this traffic gives me cancer",
        "sick beat, I'm dying",
        "the depression of the economy",
        "cold outside, take your best shot",
        "he fell into a fever pitch",
        "I nearly had a heart attack when she jumped out",
        "I'm allergic to work",
        "I'm blind to it; he turned a deaf ear to cold calls",
        "stroke of genius, stroke of luck",
        "add 250 ml of milk and 200g flour",
        "that's a pain in the neck",
        "a broken heart",
        "the operation of the machine was a mess",
        "my diploma smells of aroma",
        "April in Oklahoma",
    ],
)
def test_figures_of_speech_stay(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("she has cancer", ["cancer"]),
        ("my depression got worse", ["depression"]),
        ("I'm depressed", ["depressed"]),
        ("The doctor looked at my cough", ["cough"]),
        ("prescribed for the nausea by the doctor", ["nausea"]),
        ("diagnosed with Zorgon's fever in May", ["Zorgon's fever"]),
        ("Dx: F32.1 (moderate)", ["F32.1 (moderate)"]),
        ("ICD-10 code E11.9 was billed", ["E11.9"]),
        ("BP 145/61, HR 108", ["145/61", "108"]),
        ("His HbA1c was 7.2%", ["7.2"]),
    ],
)
def test_beside_words_of_medicine_or_in_somebody_a_word_means_health(text, expected):
    assert found(text, Kind.HEALTH) == expected


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("She is a devout Muslim", Kind.RELIGION, ["Muslim"]),
        ("my wife is Catholic", Kind.RELIGION, ["Catholic"]),
        ("we keep kosher at home", Kind.RELIGION, ["keep kosher"]),
        ("Ich bin evangelisch", Kind.RELIGION, ["evangelisch"]),
        ("I voted for Trump", Kind.POLITICS, ["Trump"]),
        ("I'm a lifelong conservative.", Kind.POLITICS, ["conservative"]),
        ("He is half Japanese", Kind.ETHNICITY, ["Japanese"]),
        ("a Polish immigrant", Kind.ETHNICITY, ["Polish"]),
        ("I am Nigerian", Kind.ETHNICITY, ["Nigerian"]),
        ("the first black man there", Kind.ETHNICITY, ["black"]),
        ("I'm gay", Kind.SEXUALITY, ["gay"]),
        ("he came out as bisexual", Kind.SEXUALITY, ["bisexual"]),
        ("ona jest lesbijką, ich bin lesbisch", Kind.SEXUALITY, ["lesbijka", "lesbisch"]),
        ("convicted of armed robbery", Kind.CRIME, ["convicted of armed robbery"]),
        ("after 3 years in prison", Kind.CRIME, ["3 years in prison"]),
        ("Il a été condamné pour vol.", Kind.CRIME, ["condamne pour vol"]),
    ],
)
def test_traits_are_found_where_they_are_somebodys(text, kind, expected):
    assert found(text, kind) == expected


@pytest.mark.parametrize(
    "text",
    [
        "my German car and an American movie",
        "a conservative estimate by a liberal amount",
        "we had a gay old time",
        "a black coat with a white shirt",
        "Mass was long, the party was great, she spoke with conviction",
        "a Christian song in a Catholic school",
        "he is American football captain",
        "charged with leading the team",
        "voted for pizza",
        "the democratic party of the first part",
    ],
)
def test_the_same_words_about_things_stay(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She earns $84,000 per year there", ["$84,000 per year"]),
        ("I make 65k a year", ["65k a year"]),
        ("£15.50 an hour", ["£15.50 an hour"]),
        ("my salary went up to 4,200", ["4,200"]),
        ("my salary went up to €4,200", ["€4,200"]),
        ("Gehalt: 3.200 € brutto", ["3.200 €"]),
        ("Je gagne 2 500 euros par mois", ["2 500 euros par mois"]),
        ("zarabiam 5000 zł", ["5000 zl"]),
        ("Wages: $150,000", ["$150,000"]),
        ('{"base_salary": 84000, "x": 12}', ["84000"]),
        ("Total due: 12.50", ["12.50"]),
        ("I paid $20 for lunch", []),
        ("it runs 10k users", []),
    ],
)
def test_amounts_of_pay_are_found_and_prices_are_not(text, expected):
    assert found(text, Kind.SALARY) == expected


def test_a_large_sum_that_is_no_pay_is_a_number():
    assert found("the house was $1,200,000 then", Kind.NUMBER) == ["$1,200,000"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann Lee, Senior Software Engineer at Acme", ["Senior Software Engineer"]),
        ("the Chief Financial Officer called", ["Chief Financial Officer"]),
        ("VP of Engineering — Acme", ["VP of Engineering"]),
        ("Accountant at Foo Ltd", ["Accountant"]),
        ("works as a registered nurse", ["registered nurse"]),
        ("I'm a teacher.", ["teacher"]),
        ("Beruf: Sachbearbeiterin", ["Sachbearbeiterin"]),
        ("Job Title: Wrangler of goats", ["Wrangler of goats"]),
        ("ich arbeite als Krankenschwester", ["Krankenschwester"]),
        ("soy enfermera, je suis infirmière", ["enfermera", "infirmiere"]),
        (
            "Ann Lee\nNetwork and computer systems administrator\n1 Main St",
            ["Network and computer systems administrator"],
        ),
        ("the teacher and the driver met a manager", []),
        ("Teacher said no", []),
        ("the President spoke", []),
    ],
)
def test_titles_of_jobs_are_found_where_they_are_titles(text, expected):
    assert found(text, Kind.JOB) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 62-year-old man, aged 42", ["62", "42"]),
        ("she is forty-two years old", ["forty-two"]),
        ("42 Jahre alt; j'ai 31 ans; tengo 28 años", ["42", "31", "28"]),
        ("ho 35 anni, mam 42 lata, ik ben 50 jaar oud", ["35", "42", "50"]),
        ("I'm 33.", ["33"]),
        ("age: 7", ["7"]),
        ("I'm 5 minutes away, he is 6 feet tall", []),
        ("4 years ago, aged cheese, page 42", []),
    ],
)
def test_ages_are_found(text, expected):
    assert found(text, Kind.AGE) == expected


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("Religion: Jedi", Kind.RELIGION, ["Jedi"]),
        ('{"ethnicity": "Elbonian", "n": 1}', Kind.ETHNICITY, ["Elbonian"]),
        (
            "<politicalViews>x</politicalViews><political_view>Whig</political_view>",
            Kind.POLITICS,
            ["Whig"],
        ),
        ("Marital status: divorced; Sex: F", Kind.ID, ["divorced", "F"]),
        (
            "name;age;diagnosis\nAnn;42;Zorgonitism\nBob;43;Blorp",
            Kind.HEALTH,
            ["Zorgonitism", "Blorp"],
        ),
        ('name,pay\nAnn,"85,000"\nBob,7', Kind.SALARY, ['"85,000', "7"]),
        ("| Name | Religion |\n|------|------|\n| Ann | Jedi |", Kind.RELIGION, ["Jedi"]),
        ("Allergies: none", Kind.HEALTH, []),
        ("Condition: zorgonitism. She left.", Kind.HEALTH, ["zorgonitism"]),
        ("stuck in the car :/ again", Kind.ID, []),
    ],
)
def test_a_field_gives_its_value_away(text, kind, expected):
    assert found(text, kind) == expected


def test_a_column_ends_with_its_table():
    text = "name,religion\nAnn,Jedi\nThat was the list.\nBob,Sith\n"
    assert found(text, Kind.RELIGION) == ["Jedi"]


def test_a_phrase_across_lines_of_a_wrapped_text_is_found():
    assert found("she has chronic kidney\ndisease and that is it") == ["chronic kidney\ndisease"]


def test_what_lies_between_two_windows_is_found():
    text = "x x. " * 13_106 + "Type 2 diabetes. " + "x x. " * 100
    assert found(text) == ["Type 2 diabetes"]


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1 ",
        ":",
        "salary:",
        '"diagnosis": ',
        "chronic ",
        "stage 2 ",
        "Director of ",
        "a,",
        "\n",
        "|",
        "\ud800",
        "😀",
        "\u05d0\u05d1 ",
        "twenty-",
        "$1,",
        "allergic to nuts, ",
        "a,b,age\n",
        "I am ",
    ],
)
def test_time_is_linear_in_what_is_repeated(piece):
    def find(size):
        return list(terms.find(folded(composed(piece * (size // len(piece))))))

    assert growth(find, 20_000, 160_000) < 30


@given(st.text(st.characters(), max_size=200))
def test_any_text_is_read_and_spans_lie_in_it(text):
    fold = folded(composed(text))
    for one in terms.find(fold):
        assert 0 <= one.start < one.end <= len(fold.text)


@pytest.mark.parametrize(
    "amount",
    [
        *("$5000", "5000€", "£5000", "us$ 5000", "5k", "5 k", "50 tys", "5000 usd", "5000 euros"),
        *("5000 zl", "5000 zlotych", "5000 dollars", "5000 bucks", "5000 pounds"),
        *("5000 francs", "5000 quid", "5000 pesos", "rs 5000", "3 million", "30 mil", "us 5000"),
    ],
)
def test_an_amount_is_pay_in_every_coin(amount):
    assert found(f"she earns {amount} per month", Kind.SALARY)


@pytest.mark.parametrize(
    "pay",
    [
        *("salary", "wages", "gehalt", "sueldo", "stipendio", "pensja", "wage"),
        *("income", "bonus", "lohn", "rente", "revenu", "ordenado", "loon", "wynagrodzenie"),
    ],
)
def test_a_bare_number_is_pay_after_a_word_for_it(pay):
    assert found(f"{pay}: 5200", Kind.SALARY)
