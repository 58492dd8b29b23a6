/** Tables and functions that the data API is held to its contract with. */

/** Tells the things of one run from those of another. */
export const id = crypto.randomUUID().replaceAll("-", "").slice(0, 10);
/** Two tables. */
export const [shelf, book] = [`contract_shelf_${id}`, `contract_book_${id}`];

/** Makes them and some functions, as migrations do, for all kinds of callers. */
export const createThings = `
  create table public.${shelf} (id int primary key, label text not null unique);
  create table public.${book} (
    id int primary key, shelf_id int not null references public.${shelf}, pages int check (pages > 0)
  );
  create index on public.${book} (shelf_id);
  insert into public.${shelf} select n, 'shelf ' || n from generate_series(1, 1100) n;
  insert into public.${book} values (1, 1, 100), (2, 1, 200), (3, 2, 300);
  alter table public.${shelf} enable row level security;
  alter table public.${book} enable row level security;
  revoke all on public.${shelf}, public.${book} from anon, authenticated, service_role;
  grant select on public.${shelf} to anon;
  grant select, insert, update, delete on public.${shelf}, public.${book} to authenticated;
  create policy read on public.${shelf} for select to anon, authenticated using (true);
  create policy write on public.${shelf} for all to authenticated using (id >= 2000) with check (id >= 2000);
  create policy read on public.${book} for select to authenticated using (true);
  create policy write on public.${book} for insert to authenticated with check (true);
  create function public.contract_raise_${id}(p_code text) returns void language plpgsql as $$
    begin raise exception using errcode = p_code, message = 'said', detail = 'why', hint = 'what to do'; end $$;
  create function public.contract_sleep_${id}(p_seconds int) returns int language plpgsql volatile as $$
    begin perform pg_sleep(p_seconds); return p_seconds; end $$;
  create function public.contract_pages_${id}(p_least int) returns setof public.${book}
    language sql stable as $$ select * from public.${book} where pages >= p_least $$;
  create function public.contract_echo_${id}(p_value jsonb, p_list int[] default '{}') returns jsonb
    language sql stable as $$ select jsonb_build_object('value', p_value, 'list', p_list) $$;
  create function public.contract_hidden_${id}() returns int language sql stable as $$ select 1 $$;
  revoke execute on function public.contract_hidden_${id}() from public, anon, authenticated;
  grant execute on function public.contract_raise_${id}(text), public.contract_sleep_${id}(int),
    public.contract_pages_${id}(int), public.contract_echo_${id}(jsonb, int[]) to anon, authenticated;
  notify pgrst, 'reload schema';`;

/** Leaves nothing behind. */
export const dropThings = `
  drop function if exists public.contract_raise_${id}(text), public.contract_sleep_${id}(int),
    public.contract_pages_${id}(int), public.contract_echo_${id}(jsonb, int[]), public.contract_hidden_${id}();
  drop table if exists public.${book}, public.${shelf};`;
