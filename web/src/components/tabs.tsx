import { useId, type KeyboardEvent, type ReactNode } from 'react';

interface Tab {
  key: string;
  label: ReactNode;
  children: ReactNode;
  testId?: string;
}

/** Tabs in one row that scrolls sideways on a phone; arrow keys move between them, only the open one is drawn. */
export function TabRow({ tabs, active, label, onChange }: { tabs: Tab[]; active: string; label: string; onChange: (key: string) => void }) {
  const id = useId();
  const at = Math.max(0, tabs.findIndex((tab) => tab.key === active));
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step === undefined ? undefined : tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    event.preventDefault();
    onChange(next.key);
    document.getElementById(`${id}-${next.key}`)?.focus();
  };
  return (
    <>
      <div className="hw-tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map((tab, i) => (
          <button
            key={tab.key} id={`${id}-${tab.key}`} type="button" role="tab" aria-selected={i === at} aria-controls={`${id}-panel`} tabIndex={i === at ? 0 : -1}
            data-testid={tab.testId} onClick={() => onChange(tab.key)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${tabs[at]?.key}`}>{tabs[at]?.children}</div>
    </>
  );
}
