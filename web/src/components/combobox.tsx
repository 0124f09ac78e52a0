import { SearchOutlined } from '@ant-design/icons';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { useErrorText } from './states';
import './combobox.css';

const DEBOUNCE_MS = 150;

interface Props<T> {
  label: string;
  placeholder: string;
  testid: string;
  /** Name of what is searched in the query cache. */
  name: string;
  search: (text: string, signal: AbortSignal) => Promise<T[]>;
  keyOf: (item: T) => string;
  groupOf?: (item: T) => string;
  render: (item: T) => ReactNode;
  onPick: (item: T) => void;
  disabled?: boolean;
  autoFocus?: boolean;
  /** Keep the text after a choice, to choose several. */
  stay?: boolean;
  hint?: ReactNode;
  inputRef?: RefObject<HTMLInputElement | null>;
}

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

function Options<T>({ items, at, id, waiting, props, onPick }: {
  items: T[]; at: number; id: string; waiting: boolean; props: Props<T>; onPick: (item: T) => void;
}) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  return (
    <ul ref={list} id={id} role="listbox" aria-label={props.label}>
      {items.map((item, i) => {
        const group = props.groupOf?.(item);
        const head = group && (i === 0 || group !== props.groupOf?.(items[i - 1] as T)) ? group : null;
        return (
          <li
            key={props.keyOf(item)} id={`${id}-${i}`} role="option" aria-selected={i === at} data-testid={waiting ? undefined : `${props.testid}-option`}
            data-head={head ?? undefined} onMouseDown={(e) => e.preventDefault()} onClick={() => onPick(item)}
          >
            {head ? <small className="hw-combogroup">{head}</small> : null}
            <span className="hw-comborow">{props.render(item)}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** A field that searches on the server while one types; the arrow keys choose, Enter takes. */
export function Combobox<T>(props: Props<T>) {
  const { t } = useTranslation('common');
  const id = useId();
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const wanted = useSettled(text.trim());
  const found = useQuery({
    queryKey: ['search', props.name, wanted], queryFn: ({ signal }) => props.search(wanted, signal), enabled: wanted !== '',
    placeholderData: keepPreviousData, staleTime: 10_000,
  });
  const error = useErrorText(found.error);
  const items = text.trim() ? (found.data ?? []) : [];
  const waiting = found.isPending || found.isPlaceholderData || wanted !== text.trim();
  const pick = (item: T | undefined) => {
    if (item === undefined) return;
    props.onPick(item);
    if (props.stay) return;
    setText('');
    setOpen(false);
  };
  // Enter before the answer is there takes its first row when it comes: nobody waits for a list they do not read.
  const [eager, setEager] = useState(false);
  useEffect(() => setAt(0), [found.data]);
  useEffect(() => setEager(false), [text]);
  useEffect(() => {
    if (!eager || waiting) return;
    setEager(false);
    pick(items[0]);
    // Runs when the answer to what was typed has come, and never again for it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [eager, waiting]);
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') setAt((i) => (i + (event.key === 'ArrowDown' ? 1 : -1) + items.length) % Math.max(1, items.length));
    else if (event.key === 'Enter') { if (waiting) setEager(text.trim() !== ''); else pick(items[at]); }
    else if (event.key === 'Escape') {
      if (!open || !text) { event.currentTarget.blur(); return; }
      setText('');
      setOpen(false);
      event.stopPropagation();
    } else return;
    event.preventDefault();
  };
  const shown = open && text.trim() !== '';
  return (
    <div className="hw-combo">
      <SearchOutlined aria-hidden />
      <input
        ref={props.inputRef} type="text" role="combobox" autoComplete="off" spellCheck={false} autoFocus={props.autoFocus} value={text}
        aria-label={props.label} aria-expanded={shown && items.length > 0} aria-controls={id} aria-autocomplete="list"
        aria-activedescendant={shown && items.length ? `${id}-${at}` : undefined} placeholder={props.placeholder} disabled={props.disabled}
        data-testid={props.testid} onChange={(e) => { setText(e.target.value); setOpen(true); }} onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)} onKeyDown={onKeyDown}
      />
      {text ? null : props.hint}
      {shown ? (
        <div className="hw-combopop" data-waiting={waiting}>
          {items.length ? <Options items={items} at={at} id={id} waiting={waiting} props={props} onPick={pick} />
            : <p className="hw-muted" role="status">{found.error ? `${error.title} ${error.remedy}` : t(waiting ? 'common:loading' : 'common:error.notFound')}</p>}
        </div>
      ) : null}
    </div>
  );
}
