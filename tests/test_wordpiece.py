"""WordPiece is Hugging Face's, token for token; the search can be watched; bad input is told."""

import json
import unicodedata

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertTokenizer

from nbcode.data.bert_words import Replacements
from nbcode.data.requirements import generate
from nbcode.data.wordpiece import LONGEST, SPECIAL, Encoding, WordPiece, cut, padded
from nbcode.pretrained import located

repeatable = settings(derandomize=True, deadline=None, max_examples=300)
# Characters that meet each other in unlucky ways, and any other text but halves of surrogate pairs.
UNLUCKY = [
    *SPECIAL,
    "[sep]",
    "[",
    "]",
    "##",
    "#",
    "ß",
    "İ",
    "Σ",
    "ǆ",
    "한",
    "中",
    "\U0002b820",
    "豈",
    "\u0301",
    "\u0323",
]
UNLUCKY += [
    "\u200d",
    "\ufe0f",
    "👩",
    "\0",
    "\ufffd",
    "\t",
    "\r\n",
    "\x85",
    "\x1c",
    "\u2028",
    "\u3000",
    "\u037e",
    "≠",
    "$",
]
UNLUCKY += ["a", "un", "affable", " ", "  ", "'", "...", "x" * 99, "1"]
pieces_of_text = st.sampled_from(UNLUCKY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
texts = st.lists(pieces_of_text, max_size=8).map("".join)

HARD = {
    "accents": "Crème brûlée à la façon d’Étretat, naïve Ångström",
    "Vietnamese": "Thành phố Hồ Chí Minh",
    "Chinese": "商品详情页，价格不一致！ABC中文123",
    "outside the first plane": "𠀀𪛟𫜴\U0002b820\U0002b920豈",
    "Japanese and Korean": "ひらがなカタカナ漢字 한국어",
    "emoji": "👩‍👩‍👧‍👦 👍🏽 ❤️ 1️⃣",
    "control characters": "a\0b\x07c\x7fd\x85e\u200bf\u202eg\ufeffh",
    "HTML": "<script>alert('x & y');</script>&nbsp;&lt;b&gt;",
    "spaces": " \ta\r\n\n b\u00a0c\u2003d\u2028e\u3000f\u1680g ",
    "combining marks": "Z" + "\u0301\u0323" * 40 + "algo \u0301 e\u0301",
    "Turkish": "İstanbul ıIiİ",
    "German": "Straße STRAẞE",
    "Greek, whose last sigma another rule would change": "ΟΔΟΣ ὈΔΥΣΣΕΎΣ",
    "Arabic and Hebrew": "الْعَرَبِيَّة שָׁלוֹם",
    "Hindi and Thai": "हिन्दी ภาษาไทย",
    "punctuation": "don't e-mail: $5.30+tax=<3 ^_^ `~` |x| «q» ¿? 3×4÷2 §",
    "becomes punctuation": "a\u037eb\u1fefc≠d",
    "long words": " ".join(["a" * 100, "a" * 101, "é" * 100, "e" + "\u0301" * 200]),
    "special": "a [SEP] b[CLS]c [MASK][PAD] [UNK] [sep] [[SEP]] [ SEP ]",
    "damaged": "\ufffd\ufffd caf\ufffd",
    "empty": "",
    "blank": " \n ",
}


@pytest.fixture(scope="module")
def folder():
    return located().path


@pytest.fixture(scope="module")
def ours(folder):
    return WordPiece.from_folder(folder)


@pytest.fixture(scope="module")
def theirs(folder):
    return AutoTokenizer.from_pretrained(folder)


def split(tokenizer, text):
    """Hugging Face's words, without a search for special tokens."""
    backend = tokenizer.backend_tokenizer
    return [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text))]


def between(characters):
    return " ".join(f"a{character}b" for character in characters)


@pytest.fixture(scope="module")
def rare(ours, theirs):
    """The characters whose kind Python knows and Hugging Face's tables do not."""
    assigned = (range(0xD800), range(0xE000, 0x32000), range(0xE0000, 0xE0200), range(0xFFFF0, 0x100010))
    everything = [chr(code) for part in assigned for code in part]
    found = set()
    for start in range(0, len(everything), 64):
        block = everything[start : start + 64]
        if ours.words(between(block)) != split(theirs, between(block)):
            found |= {one for one in block if ours.words(between(one)) != split(theirs, between(one))}
    return found


def same(ours, theirs, text, pair=None, max_length=None):
    """Whether both give the same numbers; returns them for further questions."""
    made = ours.encode(text, pair, max_length)
    # In lists: of a single pair, they take an empty second text for none; of pairs in lists, they do not.
    pairs = None if pair is None else [pair]
    wanted = theirs([text], pairs, truncation=max_length is not None, max_length=max_length)
    assert [made.input_ids] == wanted["input_ids"] and [made.token_type_ids] == wanted["token_type_ids"]
    return made


def test_every_character_is_treated_alike_but_for_some_that_are_younger_than_their_tables(rare):
    assert len(rare) < 600
    old = {one for one in rare if unicodedata.ucd_3_2_0.category(one) != "Cn"}
    assert old <= set("\u166d\u1734\u1885\u1886")  # these have changed their kind since


@pytest.mark.parametrize("name", HARD)
def test_hard_texts_give_the_same_numbers(ours, theirs, name):
    made = same(ours, theirs, HARD[name])
    assert ours.tokens(HARD[name]) == theirs.tokenize(HARD[name])
    same(ours, theirs, HARD[name], HARD["punctuation"], max_length=20)
    for skip in (False, True):
        assert ours.decode(made.input_ids, skip) == theirs.decode(made.input_ids, skip_special_tokens=skip)


@repeatable
@given(text=texts, pair=st.none() | texts, max_length=st.none() | st.integers(3, 20))
def test_random_texts_and_pairs_give_the_same_numbers(ours, theirs, rare, text, pair, max_length):
    text, pair = (part and "".join(one for one in part if one not in rare) for part in (text, pair))
    same(ours, theirs, text, pair, max_length)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_requirements_give_the_same_numbers_alone_and_as_pairs(ours, theirs, language):
    for record in generate(1, 150, language):
        same(ours, theirs, record.text)
        same(ours, theirs, record.title, record.description, max_length=32)


@pytest.mark.parametrize("max_length", range(3, 16))
def test_a_pair_is_cut_as_hugging_face_cuts_it(ours, theirs, max_length):
    for first in range(7):
        for second in range(7):
            made = same(ours, theirs, "a " * first, "b " * second, max_length)
            assert len(made) == min(max_length, first + second + 3)


def test_the_longer_text_is_cut_first():
    assert cut([[1] * 9, [2] * 2], 10) == [[1] * 5, [2] * 2]
    assert cut([[1] * 9, [2] * 9], 10) == [[1] * 3, [2] * 4]
    assert cut([[1] * 9], 4) == [[1] * 2] and cut([[1] * 9], 2) == [[]]


def test_a_pair_has_two_token_types_even_where_a_text_is_empty(ours):
    assert ours.encode("a", "b b").token_type_ids == [0, 0, 0, 1, 1, 1]
    assert ours.encode("", "").token_type_ids == [0, 0, 1] and ours.encode("").token_type_ids == [0, 0]


@pytest.mark.parametrize(
    "text",
    ["x" * 10**6, "a" + "\u0301\u0323" * 500_000, "unknowable, " * 80_000, "中" * 300_000, "\0" * 10**6],
    ids=["one word", "marks", "words", "Chinese", "nothing"],
)
def test_a_megabyte_gives_the_same_numbers(ours, theirs, text):
    same(ours, theirs, text)


@pytest.mark.parametrize("typed", SPECIAL)
def test_a_special_token_that_is_typed_in_a_text_is_that_token(ours, typed):
    number = ours.vocabulary.index(typed)
    assert ours.encode(f"a{typed}b").input_ids[2] == number
    assert number not in ours.encode(f"a{typed.lower()}b").input_ids[1:-1]
    assert ours.words(f"a{typed}b") == ["a", typed, "b"]


def test_the_search_goes_from_the_left_and_tries_the_longest_first():
    tokenizer = WordPiece([*SPECIAL, "un", "una", "##aff", "##able", "##ff", "##s"])
    assert tokenizer.steps("unaffables") == [
        ("unaffa", False),  # no token of this vocabulary is longer than 6
        ("unaff", False),
        ("unaf", False),
        ("una", True),
        ("##ffable", False),
        ("##ffabl", False),
        ("##ffab", False),
        ("##ffa", False),
        ("##ff", True),
        ("##ables", False),
        ("##able", True),
        ("##s", True),
    ]
    assert tokenizer.pieces("unaffable") == ["una", "##ff", "##able"]  # un ##aff ##able was there: greedy is not best
    assert tokenizer.steps("unit")[-2:] == [("##it", False), ("##i", False)] and tokenizer.pieces("unit") == ["[UNK]"]
    assert tokenizer.steps("un") == [("un", True)] and tokenizer.steps("") == tokenizer.pieces("") == []


@repeatable
@given(text=texts)
def test_the_search_spells_the_word_or_ends_without_a_hit(ours, text):
    for word in ours.words(text):
        steps, pieces = ours.steps(word), ours.pieces(word)
        if word not in SPECIAL:
            spelled = "".join(tried.removeprefix("##") for tried, hit in steps if hit)
            assert (spelled == word) == steps[-1][1]
            assert pieces == ([tried for tried, hit in steps if hit] if steps[-1][1] else ["[UNK]"])
        assert (word in ours.unknown(text)) == (pieces == ["[UNK]"])


def test_a_word_of_more_than_100_characters_is_unknown_even_if_the_vocabulary_has_it():
    tokenizer = WordPiece([*SPECIAL, "a", "##a", "a" * (LONGEST + 1)])
    assert tokenizer.pieces("a" * LONGEST) == ["a"] + ["##a"] * (LONGEST - 1)
    assert tokenizer.steps("a" * (LONGEST + 1)) == [("a" * (LONGEST + 1), False)]
    assert tokenizer.pieces("a" * (LONGEST + 1)) == ["[UNK]"]


def test_unknown_words_are_named(ours):
    assert ours.unknown("the 价格 of 中文 😀, the 😀") == ["价", "格", "😀", "😀"]
    assert ours.unknown("") == ours.unknown("the price") == []


OWN = [*SPECIAL, "a", "A", "##a", "é", "e", "##e", "中", "##中", "文", "ß", "ss", "İ", "i", "I", "##İ", "##i", "\u0307"]
OWN += ["un", "##affable", "Un", "##\u0301", "\u2028x", "'s", "n't", "'m", "'ve", "'re", "...", "##.", ".", "σ", "Σ"]
OWN += ["ς", "1", "x", "##x", "#"]


@pytest.fixture(scope="module", params=["lower", "cased", "keeps accents", "cased, no accents", "CJK whole", "no file"])
def twins(request, tmp_path_factory):
    """A small vocabulary of its own in a folder, without any other file or with a configuration; both read it."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in OWN), encoding="utf-8")
    values = {
        "lower": {"do_lower_case": True},
        "cased": {"do_lower_case": False},
        "keeps accents": {"strip_accents": False},
        "cased, no accents": {"do_lower_case": False, "strip_accents": True},
        "CJK whole": {"tokenize_chinese_chars": False, "strip_accents": None},
    }
    if request.param in values:
        (folder / "tokenizer_config.json").write_text(json.dumps(values[request.param]))
    return WordPiece.from_folder(folder), BertTokenizer.from_pretrained(folder)


@repeatable
@given(text=st.lists(pieces_of_text | st.sampled_from(OWN), max_size=8).map("".join))
def test_own_vocabularies_and_settings_give_the_same_numbers(twins, rare, text):
    ours, theirs = twins
    text = "".join(one for one in text if one not in rare)
    same(ours, theirs, text)
    assert ours.tokens(text) == theirs.tokenize(text)


@repeatable
@given(ids=st.lists(st.integers(0, len(OWN) - 1), max_size=9), skip=st.booleans())
def test_any_numbers_are_written_as_hugging_face_writes_them(twins, ids, skip):
    ours, theirs = twins
    assert (
        ours.decode(ids, skip) == ours.decode(torch.tensor(ids), skip) == theirs.decode(ids, skip_special_tokens=skip)
    )


def test_a_chinese_text_is_read_character_by_character(tmp_path):
    tokens = [*SPECIAL, "商", "品", "详", "情", "##情", "app", "##s", "，"]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    ours, theirs = WordPiece.from_folder(tmp_path), BertTokenizer.from_pretrained(tmp_path)
    assert ours.tokens("商品，详情Apps") == ["商", "品", "，", "详", "情", "app", "##s"]
    same(ours, theirs, "商品，详情Apps")
    same(ours, theirs, "商品价格", "详情", 6)
    assert ours.unknown("商品价格") == ["价", "格"]


def test_what_is_saved_is_read_by_both(ours, tmp_path):
    cased = WordPiece(OWN, lower_case=False, strip_accents=True, split_cjk=False)
    for number, tokenizer in enumerate((ours, cased)):
        folder = tmp_path / f"new{number}"
        tokenizer.save(folder)
        again, theirs = WordPiece.from_folder(folder), AutoTokenizer.from_pretrained(folder)
        assert again.vocabulary == tokenizer.vocabulary
        for text in HARD.values():
            assert same(again, theirs, text) == tokenizer.encode(text)


def test_a_vocabulary_file_is_read_as_hugging_face_reads_it(tmp_path):
    lines = [*SPECIAL, "b  ", "\u2028x", "x\x0by", "", "a", "a", "c\r"]
    (tmp_path / "vocab.txt").write_bytes("\n".join(lines).encode())
    ours, theirs = WordPiece.from_folder(tmp_path), BertTokenizer.from_pretrained(tmp_path)
    numbers = {token: number for number, token in enumerate(ours.vocabulary)}
    assert numbers == theirs.get_vocab() and numbers["a"] == 10


def test_a_batch_is_filled_up_behind_to_its_longest_text(ours, theirs):
    pairs = [("a", "b c d"), ("the price of it", ""), ("", "")]
    batch = padded([ours.encode(*pair) for pair in pairs], ours.padding_id)
    wanted = theirs([first for first, _ in pairs], [second for _, second in pairs], padding=True, return_tensors="pt")
    assert set(batch) == set(wanted)
    for name, table in batch.items():
        assert table.dtype is torch.int64 and table.shape == (3, 7) and torch.equal(table, wanted[name])


def test_padding_is_written_with_the_number_it_is_given():
    batch = padded([Encoding([5], [0]), Encoding([6, 7], [0, 1])], padding_id=9)
    assert batch["input_ids"].tolist() == [[5, 9], [6, 7]] and batch["attention_mask"].tolist() == [[1, 0], [1, 1]]
    assert batch["token_type_ids"].tolist() == [[0, 0], [0, 1]]


def test_half_a_surrogate_pair_is_dropped_and_nothing_else(ours):
    assert ours.tokens("a\ud83d b") == ["a", "b"]  # Hugging Face refuses the text


def test_what_becomes_of_a_character_is_made_once():
    table = Replacements()
    assert "Aé\t中.\0".translate(table) == "ae  中  . " and len(table) == 6
    assert "Aé中".translate(Replacements(lower_case=False, split_cjk=False)) == "Aé中"


@pytest.mark.parametrize("missing", SPECIAL)
def test_a_vocabulary_without_a_special_token_is_refused(missing):
    with pytest.raises(ValueError, match=rf"of 5 tokens lacks \{missing}; give BERT's, which has \[PAD\], \[UNK\]"):
        WordPiece([token for token in SPECIAL if token != missing] + ["a"])


@pytest.mark.parametrize("text", [None, 3, b"bytes", ["a", "list"], float("nan")])
def test_what_is_no_text_is_refused(ours, text):
    for use in (ours.words, ours.tokens, ours.encode, ours.unknown):
        with pytest.raises(ValueError, match=f"text is a {type(text).__name__} .*; give a str"):
            use(text)
    with pytest.raises(ValueError, match="a token of the vocabulary is a "):
        WordPiece([*SPECIAL, text])
    if text is not None:
        with pytest.raises(ValueError, match="give a str"):
            ours.encode("a", text)


@pytest.mark.parametrize(("pair", "max_length", "least"), [(None, 1, 2), ("b", 2, 3), (None, -1, 2), ("b", 8.0, 3)])
def test_a_length_that_does_not_hold_the_special_tokens_is_refused(ours, pair, max_length, least):
    with pytest.raises(ValueError, match=f"max_length is {max_length}; give a whole number of at least {least}"):
        ours.encode("a", pair, max_length)


@pytest.mark.parametrize("number", [-1, len(OWN), 10**9])
def test_a_number_without_a_token_is_refused(number):
    with pytest.raises(ValueError, match=f"token {number} is not in this vocabulary of {len(OWN)}"):
        WordPiece(OWN).decode([5, number])


def test_no_text_makes_no_batch():
    with pytest.raises(ValueError, match="no text to make a batch of; give at least one encoding"):
        padded([], 0)


def test_a_folder_without_a_readable_vocabulary_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"vocab\.txt cannot be read .*; give the folder of a BERT checkpoint"):
        WordPiece.from_folder(tmp_path)
    (tmp_path / "vocab.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"vocab\.txt cannot be read"):
        WordPiece.from_folder(tmp_path)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('{"do_lower_case": tr', "cannot be read"),
        ("[]", "holds a list; it should be an object"),
        ('{"do_lower_case": "no"}', "sets lower_case to 'no'; it should be true or false"),
        ('{"tokenize_chinese_chars": null}', "sets split_cjk to None"),
        ('{"sep_token": "</s>"}', r"names the tokens </s>; only \[PAD\]"),
        ('{"added_tokens_decoder": {"7": {"content": "<new>"}, "0": {"content": "[PAD]"}}}', "names the tokens <new>;"),
        ('{"extra_special_tokens": ["<b>", "<a>"], "additional_special_tokens": null}', "names the tokens <a>, <b>;"),
    ],
)
def test_a_configuration_that_does_not_exist_here_is_refused(tmp_path, written, told):
    WordPiece(OWN).save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(written)
    with pytest.raises(ValueError, match=rf"tokenizer_config\.json {told}"):
        WordPiece.from_folder(tmp_path)


@pytest.mark.parametrize("token", ["a ", "a\nb", "\n"])
def test_a_token_that_a_line_cannot_hold_is_not_saved(tmp_path, token):
    with pytest.raises(ValueError, match=r"ends with a space or holds a line end; vocab\.txt cannot hold it"):
        WordPiece([*OWN, token]).save(tmp_path / "new")
    assert not (tmp_path / "new").exists()
