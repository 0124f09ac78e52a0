import { SearchOutlined } from '@ant-design/icons';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useNavigate } from 'react-router';
import { Combobox } from '../../components/combobox';
import { titleOf } from '../../lib/format';
import { get } from '../../lib/http';
import type { Page, Title } from '../../lib/types';

interface Found {
  kind: 'tag' | 'asset' | 'model';
  id: number;
  code: string;
  title: Title;
  asset: { id: number; code: string; title: Title } | null;
}

const LIMIT = 30;

/** The server puts the best match first; what is of its kind is kept with it. */
async function search(text: string, signal: AbortSignal): Promise<Found[]> {
  const { items } = await get<Page<Found>>(`search?q=${encodeURIComponent(text)}&limit=${LIMIT}`, signal);
  return [...Map.groupBy(items, (f) => f.kind).values()].flat();
}

function pathOf(found: Found): string {
  if (found.kind === 'tag') return `/tags/${found.id}`;
  return found.kind === 'model' ? `/models/${found.id}` : `/monitor/${encodeURIComponent(found.code)}`;
}

/** "/" goes to the search from anywhere, unless one is typing. */
function useSlash(act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable) return;
      event.preventDefault();
      latest.current();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
}

function Field({ inputRef, autoFocus, onDone }: { inputRef?: React.RefObject<HTMLInputElement | null>; autoFocus?: boolean; onDone?: () => void }) {
  const { t } = useTranslation('shell');
  const navigate = useNavigate();
  return (
    <Combobox<Found>
      name="global" label={t('shell:search.label')} placeholder={t('shell:search.placeholder')} testid="global-search" inputRef={inputRef}
      autoFocus={autoFocus} search={search} keyOf={(f) => `${f.kind}${f.id}`} groupOf={(f) => t(`shell:search.kind.${f.kind}`)}
      hint={autoFocus ? null : <kbd aria-hidden="true">/</kbd>}
      render={(f) => (
        <>
          <span className="hw-nowrap">{titleOf(f.title)}</span>
          <span className="hw-code">{f.code}</span>
          {f.asset && f.kind !== 'asset' ? <small className="hw-nowrap">{titleOf(f.asset.title)} {f.asset.code}</small> : null}
        </>
      )}
      onPick={(f) => { onDone?.(); inputRef?.current?.blur(); void navigate(pathOf(f)); }}
    />
  );
}

/** Search over tags, assets and models: a field in the top bar, a dialog on a phone. */
export function GlobalSearch({ narrow }: { narrow: boolean }) {
  const { t } = useTranslation('shell');
  const input = useRef<HTMLInputElement>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const [open, setOpen] = useState(false);
  const { pathname } = useLocation();
  useSlash(() => (narrow ? setOpen(true) : input.current?.focus()));
  useEffect(() => setOpen(false), [pathname]);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  if (!narrow) return <div className="hw-topsearch" role="search"><Field inputRef={input} /></div>;
  return (
    <>
      <button type="button" className="hw-iconbutton" aria-label={t('shell:search.label')} data-testid="global-search-open" onClick={() => setOpen(true)}>
        <SearchOutlined />
      </button>
      <dialog
        ref={dialog} className="hw-searchdialog" aria-label={t('shell:search.label')} onClose={() => setOpen(false)}
        onClick={(e) => { if (e.target === dialog.current) setOpen(false); }}
      >
        {open ? <Field autoFocus onDone={() => setOpen(false)} /> : null}
      </dialog>
    </>
  );
}
