-- Texts that users write about themselves, and others read: made tidy on the way in. What is taken out is
-- what nobody can see and what changes how the text around it is shown; scripts and emoji stay whole.

create function private.clean_text(p_text text, p_has_lines boolean default false)
returns text
language plpgsql immutable set search_path = ''
as $$
declare
  -- Nobody means to write as much; what is left is still too long where that is not allowed.
  v_text text := normalize(left(p_text, 10000), nfc);
begin
  v_text := regexp_replace(v_text, '\r\n?|[\u0085\u2028\u2029]', e'\n', 'g');
  -- Spaces of any width; without lines, ends of lines too.
  v_text := regexp_replace(v_text,
    case when p_has_lines then '[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]'
      else '[\t\n\v\f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]' end, ' ', 'g');
  -- Control characters, overrides and isolates of direction, characters that are not seen, non-characters.
  v_text := regexp_replace(v_text,
    '[\u0001-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff]',
    '', 'g');
  -- Marks of direction help a longer text; in a name they only make two that look alike.
  if not p_has_lines then
    v_text := regexp_replace(v_text, '[\u061c\u200e\u200f]', '', 'g');
  end if;
  -- Tags spell a flag after a black one, and nothing else.
  v_text := regexp_replace(v_text,
    '(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+', '', 'g');
  -- Joiners between letters of scripts that need them, and between the parts of an emoji.
  v_text := regexp_replace(v_text,
    '(?<![\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af])\u200c|\u200c(?![\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af])',
    '', 'g');
  v_text := regexp_replace(v_text,
    '(?<![\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d|\u200d(?![\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u2190-\u2bff\U0001f000-\U0001faff])',
    '', 'g');
  -- Variants of a Han character are part of many a name; elsewhere these hide what they spell.
  v_text := regexp_replace(v_text,
    '(?<![\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]+', '', 'g');
  -- Variation selectors one at a time, and not at the beginning; no more than three accents on a letter.
  v_text := regexp_replace(v_text, '(^|[\ufe00-\ufe0f\s])[\ufe00-\ufe0f]+', '\1', 'g');
  v_text := regexp_replace(v_text,
    '([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+',
    '\1', 'g');
  v_text := regexp_replace(v_text, ' *\n *', e'\n', 'g');
  v_text := regexp_replace(v_text, e'\n{3,}', e'\n\n', 'g');
  v_text := regexp_replace(v_text, ' {2,}', ' ', 'g');
  return normalize(btrim(v_text, e' \n'), nfc);
end;
$$;
comment on function private.clean_text(text, boolean) is
  'A text without what cannot be seen and what turns others around; one line, or with its lines. Null stays null.';
revoke all on function private.clean_text(text, boolean) from public, anon, authenticated, service_role;
