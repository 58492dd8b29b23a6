begin;
\ir ../helpers.psql
select plan(32);

select is(private.clean_text(text), cleaned, what)
from (values
  (null, null, 'clean_text() leaves null alone'),
  ('  Ana   B. ', 'Ana B.', 'spaces are single, and not at the ends'),
  (e'Ana\nB\t\r\nC', 'Ana B C', 'a name has one line'),
  (e'A\u00a0B\u3000C\u2003D', 'A B C D', 'spaces of any width are spaces'),
  (e'A\u0007\u001bB\u0085\u009f', 'AB', 'control characters go'),
  (e'Ana\u202egpj.exe', 'Anagpj.exe', 'what turns the text around goes'),
  (e'\u2066A\u2069\u200eB\u200f', 'AB', 'so do isolates and marks of direction'),
  (e'A\u200bd\u200b\u2060\ufeff\u00admin', 'Admin', 'what cannot be seen goes'),
  (e'\u3164\u115f\u2800', '', 'a name of nothing is nothing'),
  (e'e\u0301', 'é', 'letters are composed'),
  (e'A\ufe0f\ufe0f\ufe0f', e'A\ufe0f', 'one variation selector is enough'),
  (e'Z' || repeat(e'\u0335', 20), e'Z\u0335\u0335\u0335', 'three accents are enough'),
  ('Nguyễn ổ', 'Nguyễn ổ', 'two are needed'),
  (e'👩\u200d👩\u200d👧\u200d👦', e'👩\u200d👩\u200d👧\u200d👦', 'a family stays together'),
  (e'❤\ufe0f\u200d🔥', e'❤\ufe0f\u200d🔥', 'a heart stays on fire'),
  (e'👍🏽 🏳\ufe0f\u200d🌈', e'👍🏽 🏳\ufe0f\u200d🌈', 'skin and flags keep their colours'),
  (e'1\ufe0f\u20e3', e'1\ufe0f\u20e3', 'a key keeps its cap'),
  (e'🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f', e'🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f', 'England keeps its flag'),
  (e'hi\U000e0068\U000e0069', 'hi', 'tags without a flag go'),
  (e'x\u200dy z\u200c', 'xy z', 'joiners that join nothing go'),
  (e'می\u200cخواهم', e'می\u200cخواهم', 'Persian keeps its non-joiner'),
  (e'क\u094d\u200dष', e'क\u094d\u200dष', 'Devanagari its joiner'),
  (e'می\u200c\u200c\u200c', 'می', 'as long as it stands between two letters'),
  (e'葛\U000e0100城', e'葛\U000e0100城', 'a Japanese name its variant'),
  (e'a\U000e0100\U000e0101b', 'ab', 'which no other letter has'),
  ('<b>Ana</b> & "Ben"', '<b>Ana</b> & "Ben"', 'a text is a text: who shows it escapes it')
) as example (text, cleaned, what);

select is(private.clean_text(e' a\r\n\r\n\r\n\r\nb  c \n d\u2028e ', true), e'a\n\nb c\nd\ne', 'a longer text keeps its lines, two apart at most');
select is(private.clean_text(e'שלום!\u200f a', true), e'שלום!\u200f a', 'and the marks that put its punctuation right');
select is(private.clean_text(e'a\u202eb', true), 'ab', 'but no overrides');

select is_empty($$
  select n from (
    select n, private.clean_text(string_agg(chr(n + i), ' '), true) as once
    from generate_series(1, 65000, 50) as n, generate_series(0, 49) as i
    where n + i not between 55296 and 57343
    group by n
  ) as cleaned
  where private.clean_text(once, true) is distinct from once
$$, 'what is clean stays as it is');
select ok(char_length(private.clean_text(repeat(e'\u200d👩', 5000), true)) < 10000, 'a very long text is cleaned, too');
select is(char_length(private.clean_text(repeat('x', 1000000))), 10000, 'an endless one is cut first');

select * from finish();
rollback;
