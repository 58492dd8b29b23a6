begin;
\ir ../helpers.psql
select plan(68);

create function tests.slug(p_name text, p_latin text default null) returns text language sql volatile as $$
  select private.generate_profile_slug(p_name, tests.user_id('nobody'), p_latin)
$$;

-- Scripts: names as their bearers, or their neighbours, would spell them
select is(tests.slug(name), slug, format('generate_profile_slug() reads %s', name))
from (values
  ('Zoë Quíntana', 'zoe-quintana'), ('Jørgen Łukasz Straße', 'jorgen-lukasz-strasse'), ('Nguyễn Văn Đức', 'nguyen-van-duc'),
  ('İpek Işık', 'ipek-isik'), ('ＡＢＣ　１２', 'abc-12'), ('𝓕𝓪𝓷𝓬𝔂 ﬁlm', 'fancy-film'), ('Æsop Þór', 'aesop-thor'),
  ('Дмитрий Щукин', 'dmitriy-shchukin'), ('ЁЖИК Юлия', 'yozhik-yuliya'), ('Україна Її', 'ukrayina-yiyi'), ('Љубиша Џ', 'ljubisha-dz'),
  ('Әсел Қазақ', 'asel-qazaq'),
  ('Σωκράτης Παπαδόπουλος', 'sokratis-papadopulos'), ('Εύα Μπέκα', 'eva-beka'), ('Άγγελος', 'angelos'),
  ('Արամ Ոսկանյան', 'aram-oskanyan'), ('Ու', 'u'), ('ვახტანგ', 'vakhtang'), ('ᲕᲐᲮᲢᲐᲜᲒ', 'vakhtang'),
  ('שָׁלוֹם', 'shlom'), ('יוסי כהן', 'yosi-khn'),
  ('محمد كريم', 'mhmd-krim'), ('يوسف', 'yusf'), ('نور', 'nur'), ('سارا احمدی ۱۲', 'sara-ahmdi-12'), ('پژمان', 'pzhman'),
  ('राम कुमार', 'ram-kumar'), ('अमिताभ बच्चन', 'amitabh-bachchan'), ('लक्ष्मी २', 'lakshmi-2'),
  ('রবীন্দ্রনাথ', 'rabindranath'), ('ਗੁਰਪ੍ਰੀਤ', 'guraprit'), ('ગુજરાત', 'gujarat'), ('ரஜினிகாந்த்', 'rajinikant'), ('శ్రీనివాస్', 'shrinivas'),
  ('ಕನ್ನಡ', 'kannada'), ('සිංහල', 'sinhala'), (e'\u0dc1\u0dca\u200d\u0dbb\u0dd3 ලංකා', 'shri-lanka'), ('മോഹൻലാൽ', 'mohanlal'),
  ('さくら', 'sakura'), ('きゃりーぱみゅ', 'kyaripamyu'), ('みっちゃん', 'mitchan'), ('ファミマ', 'famima'), ('ウィキ', 'wiki'),
  ('ﾊﾝｶｸ ガキ', 'hankaku-gaki'), ('シャ・ジョ', 'sha-jo'),
  ('김민수', 'gimminsu'), ('한국', 'hanguk'), ('한국어', 'hangugeo'), ('달리', 'dalli'),
  ('አበበ', 'abebe'), ('สมชาย', 'smchay'), ('ฉัน', 'chan'), ('ລາວ', 'law')
) as person (name, slug);

-- Everything is an address, whatever it is made of
select is(tests.slug('东京'), 'creator-' || right(tests.user_id('nobody')::text, 8), 'a name that cannot be read is a creator with digits');
select is(tests.slug('东京', 'Dong Jing'), 'dong-jing', 'unless somebody who can read it says how');
select is(tests.slug('Sakura', '  '), 'sakura', 'who says nothing is not listened to');
select is(tests.slug('🎬'), 'creator-' || right(tests.user_id('nobody')::text, 8), 'emoji make no address');
select is(tests.slug('さくら東京'), 'sakura', 'what can be read is');
select is(tests.slug(reserved), reserved || '-' || right(tests.user_id('nobody')::text, 8), format('"%s" is nobody''s alone', reserved))
from unnest(array['admin', 'api', 'www', 'login', 'settings', 'streamvibe']) as reserved;
select is(tests.slug('ＡＤＭＩＮ'), 'admin-' || right(tests.user_id('nobody')::text, 8), 'in whatever letters');
select is(tests.slug('админ', 'admin'), 'admin-' || right(tests.user_id('nobody')::text, 8), 'and whoever reads it');

-- Somebody who knows the id has called themselves by everything it leads to
select tests.create_user(word, jsonb_build_object('display_name', name))
from (values ('a', 'Kim'), ('b', 'Kim ' || right(tests.user_id('nobody')::text, 8)),
  ('c', 'Kim ' || replace(tests.user_id('nobody')::text, '-', ''))) as squatter (word, name);
select matches(tests.slug('Kim'), '^kim-[0-9a-f]{32}$', 'chance finds an address when all others are taken');

-- Every letter that Unicode has, a hundred at a time
select is_empty($$
  select part, slug
  from (
    select n / 100 as part, tests.slug(string_agg(chr(n), '' order by n)) as slug
    from generate_series(1, 70000) as n
    where n not between 55296 and 57343
    group by 1
  ) as spelled
  where slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$' or char_length(slug) > 80
$$, 'no text makes an address that is none');

select * from finish();
rollback;
