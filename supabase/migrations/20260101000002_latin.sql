-- Names in Latin letters: what a profile's address is made of. Readable rather than scholarly, the same
-- everywhere whatever the locale of the database, and complete enough that most names of the world are not
-- lost: alphabets letter by letter, Indic scripts, kana, Hangul and Ethiopic by their own rules. Readings
-- of Han characters need a dictionary; who has one passes the name in Latin letters along.

create table private.latin_letter (
  letter text collate "C" primary key,
  latin text not null,
  constraint latin_letter_is_one_letter check (char_length(letter) = 1),
  constraint latin_letter_latin_is_plain check (latin ~ '^[a-z0-9]{0,4}$')
);
comment on table private.latin_letter is 'How a letter is written in Latin ones; lower case, where its script has cases.';
alter table private.latin_letter enable row level security;
revoke all on table private.latin_letter from public, anon, authenticated, service_role;

-- Pairs: a letter, what it becomes; - is nothing.
insert into private.latin_letter (letter, latin)
select pair[1], case pair[2] when '-' then '' else pair[2] end
from (values
  -- Latin letters that do not decompose; both cases, for theirs follow no rule.
  ('Ø o ø o Ł l ł l Đ d đ d Ħ h ħ h ß ss ẞ ss Æ ae æ ae Œ oe œ oe Þ th þ th Ð d ð d ı i Ŋ ng ŋ ng Ə e ə e Ŧ t ŧ t ĸ k Ƙ k ƙ k Ɓ b ɓ b Ɗ d ɗ d Ƴ y ƴ y'),
  -- Greek
  ('α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o'),
  -- Cyrillic: Russian, then its neighbours
  ('а a б b в v г g д d е e ж zh з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch ш sh щ shch ъ - ы y ь - э e ю yu я ya ё yo'),
  ('і i ї yi є ye ґ g ў u ђ dj ј j љ lj њ nj ћ c џ dz ѓ gj ќ kj ѕ dz ә a ғ gh қ q ң ng ө o ұ u ү u һ h җ j ҷ j ҳ h ӣ i ӯ u ӑ a ӗ e ҫ s ӏ -'),
  -- Armenian, Georgian
  ('ա a բ b գ g դ d ե e զ z է e ը y թ t ժ zh ի i լ l խ kh ծ ts կ k հ h ձ dz ղ gh ճ ch մ m յ y ն n շ sh ո o չ ch պ p ջ j ռ r ս s վ v տ t ր r ց ts ւ v փ p ք k օ o ֆ f և ev'),
  ('ა a ბ b გ g დ d ე e ვ v ზ z თ t ი i კ k ლ l მ m ნ n ო o პ p ჟ zh რ r ს s ტ t უ u ფ p ქ k ღ gh ყ q შ sh ჩ ch ც ts ძ dz წ ts ჭ ch ხ kh ჯ j ჰ h'),
  -- Hebrew; vav and yod by their place
  ('א a ב b ג g ד d ה h ו v ז z ח h ט t י y כ k ך k ל l מ m ם m נ n ן n ס s ע a פ p ף f צ ts ץ ts ק k ר r ש sh ת t'),
  -- Arabic, Persian, Urdu; waw and yeh by their place
  ('ا a ب b ت t ث th ج j ح h خ kh د d ذ dh ر r ز z س s ش sh ص s ض d ط t ظ z ع a غ gh ف f ق q ك k ل l م m ن n ه h و w ي y ى a ة a ء - ؤ u ئ i آ a أ a إ i ٱ a ـ -'),
  ('پ p چ ch ژ zh گ g ک k ی y ٹ t ڈ d ڑ r ں n ہ h ھ h ے e ۀ h ۃ a ې e ۆ o ڕ r ڵ l ێ e ە e َ a ُ u ِ i'),
  -- Devanagari, and by the same offsets the eight blocks that follow it; without the vowel that a consonant carries
  ('ऄ a अ a आ a इ i ई i उ u ऊ u ऋ ri ऌ li ऍ e ऎ e ए e ऐ ai ऑ o ऒ o ओ o औ au'),
  ('क k ख kh ग g घ gh ङ n च ch छ chh ज j झ jh ञ n ट t ठ th ड d ढ dh ण n त t थ th द d ध dh न n प p फ ph ब b भ bh म m य y र r ल l ळ l व v श sh ष sh स s ह h ऩ n ऱ r ऴ l'),
  ('ा a ि i ी i ु u ू u ृ ri ॄ ri ॅ e ॆ e े e ै ai ॉ o ॊ o ो o ौ au ँ n ं n ः h ॠ ri'),
  -- What these blocks have of their own
  ('ৎ t ৗ u ৰ r ৱ v ੰ n ੱ - ੲ - ੳ - ൺ n ൻ n ർ r ൽ l ൾ l ൿ k'),
  -- Sinhala, which has an order of its own
  ('අ a ආ a ඇ ae ඈ ae ඉ i ඊ i උ u ඌ u ඍ ri එ e ඒ e ඓ ai ඔ o ඕ o ඖ au ා a ැ ae ෑ ae ි i ී i ු u ූ u ෘ ru ෙ e ේ e ෛ ai ො o ෝ o ෞ au ං n ඃ h ් -'),
  ('ක k ඛ kh ග g ඝ gh ඞ n ඟ ng ච ch ඡ chh ජ j ඣ jh ඤ n ඥ gn ඦ nj ට t ඨ th ඩ d ඪ dh ණ n ඬ nd ත th ථ th ද d ධ dh න n ඳ nd ප p ඵ ph බ b භ bh ම m ඹ mb ය y ර r ල l ව v ශ sh ෂ sh ස s හ h ළ l ෆ f'),
  -- Thai, and by the same offsets Lao
  ('ก k ข kh ฃ kh ค kh ฅ kh ฆ kh ง ng จ ch ฉ ch ช ch ซ s ฌ ch ญ y ฎ d ฏ t ฐ th ฑ th ฒ th ณ n ด d ต t ถ th ท th ธ th น n บ b ป p ผ ph ฝ f พ ph ฟ f ภ ph ม m ย y ร r ฤ rue ล l ฦ lue ว w ศ s ษ s ส s ห h ฬ l อ o ฮ h'),
  ('ะ a ั a า a ิ i ี i ึ ue ื ue ุ u ู u เ e แ ae โ o ใ ai ไ ai ๅ -'),
  -- Katakana; hiragana are the same, 96 places before
  ('ア a イ i ウ u エ e オ o カ ka キ ki ク ku ケ ke コ ko サ sa シ shi ス su セ se ソ so タ ta チ chi ツ tsu テ te ト to ナ na ニ ni ヌ nu ネ ne ノ no'),
  ('ハ ha ヒ hi フ fu ヘ he ホ ho マ ma ミ mi ム mu メ me モ mo ヤ ya ユ yu ヨ yo ラ ra リ ri ル ru レ re ロ ro ワ wa ヰ i ヱ e ヲ o ン n ヴ vu'),
  ('ガ ga ギ gi グ gu ゲ ge ゴ go ザ za ジ ji ズ zu ゼ ze ゾ zo ダ da ヂ ji ヅ zu デ de ド do バ ba ビ bi ブ bu ベ be ボ bo パ pa ピ pi プ pu ペ pe ポ po ヵ ka ヶ ke'),
  ('ァ a ィ i ゥ u ェ e ォ o ャ ya ュ yu ョ yo ヮ wa ー -')
) as script (pairs)
cross join lateral regexp_matches(script.pairs, '(\S) (\S+)', 'g') as pair;

-- A syllable of Hangul is its three letters, counted. Its last one is spoken with the next syllable when
-- that begins with a vowel: 한국 hanguk, 한국어 hangugeo.
create function private.latin_of_hangul(p_code int, p_next_code int)
returns text
language plpgsql immutable set search_path = ''
as $$
declare
  place constant int := p_code - 44032;
  joins constant boolean := p_next_code between 44032 and 55203 and (p_next_code - 44032) / 588 = 11;
begin
  return replace(concat(
    (string_to_array('g kk n d tt r m b pp s ss - j jj ch k t p h', ' '))[place / 588 + 1],
    (string_to_array('a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i', ' '))[place % 588 / 28 + 1],
    (string_to_array(case when joins
      then '- g kk gs n nj n d r lg lm lb ls lt lp r m b bs s ss ng j ch k t p -'
      else '- k k k n n n t l k m l l l p l m p p t t ng t t k t p t' end, ' '))[place % 28 + 1]), '-', '');
end;
$$;
comment on function private.latin_of_hangul(int, int) is 'A Hangul syllable by its code point and that of the next character, in Latin letters.';

-- Ethiopic letters are consonants in rows of eight, one for each vowel.
create function private.latin_of_ethiopic(p_code int)
returns text
language plpgsql immutable set search_path = ''
as $$
declare
  consonant constant text := (string_to_array(
    'h l h m s r s sh k kw k kw b v t ch h hw n ny - k kw h hw w - z zh y d d j g gw g t ch p ts ts f p', ' '))
    [(p_code - 4608) / 8 + 1];
  vowel constant text := (string_to_array('e u i a e - o wa', ' '))[(p_code - 4608) % 8 + 1];
begin
  return replace(consonant || case when consonant = '-' and vowel = 'e' then 'a' else vowel end, '-', '');
end;
$$;
comment on function private.latin_of_ethiopic(int) is 'An Ethiopic letter by its code point, in Latin letters.';

-- What is looked up: without accents where the letter with them has no entry, lower case where there are
-- cases, one block for scripts that are parallel.
create function private.plain_letter(p_letter text)
returns text
language plpgsql immutable set search_path = ''
as $$
declare
  code int := ascii(p_letter);
begin
  code := case
    when code between 913 and 937 then code + 32 -- Greek
    when code between 1024 and 1039 then code + 80 -- Cyrillic
    when code between 1040 and 1071 then code + 32
    when code between 1120 and 1153 or code between 1162 and 1215 or code between 1232 and 1327
      then code | 1
    when code between 1217 and 1230 then code + code % 2
    when code = 1216 then 1231
    when code between 1329 and 1366 then code + 48 -- Armenian
    when code between 7312 and 7359 then code - 3008 -- Georgian
    when code between 3713 and 3773 then code - 128 -- Lao, as Thai
    when code between 3776 and 3780 then code - 128
    when code between 12353 and 12438 then code + 96 -- hiragana, as katakana
    else code
  end;
  return chr(code);
end;
$$;
comment on function private.plain_letter(text) is 'The lower case of a letter, or its like in a parallel script; itself where there is none.';

create function private.to_latin(p_text text)
returns text
language plpgsql stable set search_path = ''
as $$
declare
  v_text text := normalize(left(coalesce(p_text, ''), 200), nfkc);
  v_letters text[];
  v_letter text;
  v_code int;
  v_next_code int;
  v_latin text;
  v_out text := '';
  v_is_long boolean := false; -- after a small tsu, which doubles the next consonant
  v_before text := '';
begin
  -- Signs that only change how a letter is drawn or spoken: nukta, Thai tones, vowel points of Hebrew.
  v_text := regexp_replace(v_text,
    '[\u093c\u09bc\u0a3c\u0abc\u0b3c\u0cbc\u0e47-\u0e4e\u0ec8-\u0ecd\u0591-\u05c7\u0651\u0652\u06d6-\u06ed\u200b-\u200f]',
    '', 'g');
  -- A Thai vowel that is written before its consonant is spoken after it.
  v_text := regexp_replace(v_text, '([\u0e40-\u0e44\u0ec0-\u0ec4])([\u0e01-\u0e2e\u0e81-\u0eae])', '\2\1', 'g');

  -- Indic letters and Hangul syllables would fall apart into what is no letter of theirs.
  select array_agg(case
      when ascii(plain) between 2304 and 3455 or ascii(plain) between 44032 and 55203
        or exists (select from private.latin_letter where letter = plain) then plain
      else private.plain_letter(left(normalize(plain, nfkd), 1)) end order by place)
  into v_letters
  from (
    select private.plain_letter(letter) as plain, place
    from string_to_table(v_text, null) with ordinality as spelled (letter, place)
  ) as spelled;

  -- Two Greek or Armenian letters that are one sound.
  v_text := array_to_string(v_letters, '');
  if v_text ~ '[\u03b1-\u03c9\u0561-\u0587]' then
    v_text := regexp_replace(v_text, 'ου', 'u', 'g');
    v_text := regexp_replace(v_text, '([αεη])υ(?=[πτκφθσςχξψ]|$|[^α-ω])', '\1φ', 'g');
    v_text := regexp_replace(v_text, '([αεη])υ', '\1β', 'g');
    v_text := regexp_replace(v_text, '(^|[^α-ω])μπ', '\1b', 'g');
    v_text := regexp_replace(v_text, '(^|[^α-ω])ντ', '\1d', 'g');
    v_text := regexp_replace(v_text, '(^|[^α-ω])γκ', '\1g', 'g');
    v_text := regexp_replace(v_text, 'γ(?=[γξχ])', 'n', 'g');
    v_text := regexp_replace(v_text, 'ու', 'u', 'g');
  end if;

  v_letters := string_to_array(v_text, null);
  for i in 1..coalesce(cardinality(v_letters), 0) loop
    v_letter := v_letters[i];
    v_code := ascii(v_letter);
    v_next_code := coalesce(ascii(v_letters[i + 1]), 0);
    v_latin := (select latin from private.latin_letter where letter = v_letter);

    if v_code < 128 then
      v_latin := v_letter;
    elsif v_code between 44032 and 55203 then
      v_latin := private.latin_of_hangul(v_code, v_next_code);
      if v_out like '%l' and v_latin like 'r%' then
        v_latin := 'l' || substr(v_latin, 2);
      end if;
    elsif v_code between 4608 and 4951 then
      v_latin := private.latin_of_ethiopic(v_code);
    elsif v_code between 2304 and 3455 then
      -- Indic: nine blocks of 128 in one order.
      v_latin := coalesce(v_latin,
        case when v_code % 128 between 102 and 111 then (v_code % 128 - 102)::text end,
        (select latin from private.latin_letter where letter = chr(2304 + v_code % 128)), '');
      -- A consonant carries an a, unless another vowel or a virama takes its place. Northern languages drop
      -- it at the end of a word.
      if v_code % 128 between 21 and 57 and v_code not in (2510, 2519) and not (
        v_next_code / 128 = v_code / 128
          and (v_next_code % 128 between 62 and 77 or v_next_code % 128 between 98 and 99 or v_next_code in (2519, 2902)))
        and (v_code >= 2944 or v_next_code / 128 = v_code / 128)
      then
        v_latin := v_latin || 'a';
      end if;
    elsif v_code between 3482 and 3526 and v_next_code not between 3530 and 3551 then
      v_latin := v_latin || 'a'; -- Sinhala, likewise
    elsif v_code between 12448 and 12543 then
      if v_letter = 'ッ' then
        v_is_long := true;
        continue;
      elsif v_letter in ('ャ', 'ュ', 'ョ') then
        -- ki + ya: kya; shi + ya: sha
        v_latin := case when v_out ~ '(sh|ch|j)i$' then substr(v_latin, 2) else v_latin end;
        v_out := regexp_replace(v_out, 'i$', '');
      elsif v_letter in ('ァ', 'ィ', 'ゥ', 'ェ', 'ォ') then
        -- fu + a: fa; u + i: wi
        v_out := case when v_before = 'ウ' then regexp_replace(v_out, 'u$', 'w') else regexp_replace(v_out, '[aiueo]$', '') end;
      end if;
      if v_is_long and v_latin ~ '^[a-z]' then
        v_latin := case when v_latin ~ '^ch' then 't' else left(v_latin, 1) end || v_latin;
        v_is_long := false;
      end if;
    elsif v_letter in ('و', 'ي', 'ی', 'ו', 'י') then
      -- Between consonants they are vowels; Hebrew and Arabic write no others.
      if v_before ~ '[\u05d0-\u05ea\u0621-\u06d3]' and v_before not in ('ا', 'آ')
        and coalesce(v_letters[i + 1], '') not in ('ا', 'ו', 'ة')
      then
        v_latin := case v_letter when 'و' then 'u' when 'ו' then 'o' else 'i' end;
      end if;
    elsif v_latin is null and (v_code between 1632 and 1641 or v_code between 1776 and 1785) then
      v_latin := (v_code % 16)::text;
    elsif v_latin is null and v_code between 3664 and 3673 then
      v_latin := (v_code - 3664)::text;
    end if;
    v_out := v_out || coalesce(v_latin, ' ');
    v_before := v_letter;
  end loop;
  return lower(v_out collate "C");
end;
$$;
comment on function private.to_latin(text) is
  'A name in lower-case Latin letters, as far as rules can write it; what they cannot becomes a space.';

revoke all on function
  private.latin_of_hangul(int, int),
  private.latin_of_ethiopic(int),
  private.plain_letter(text),
  private.to_latin(text)
from public, anon, authenticated, service_role;
