import { useTranslation } from 'react-i18next';
import { titleOf } from '../lib/format';
import type { Guidance, Title } from '../lib/types';
import './guidance.css';

function Part({ name, items }: { name: 'symptoms' | 'causes'; items: Title[] }) {
  const { t } = useTranslation('common');
  if (!items.length) return null;
  return (
    <>
      <h4>{t(`common:guidance.${name}`)}</h4>
      <ul>{items.map((item) => <li key={item.zh}>{titleOf(item)}</li>)}</ul>
    </>
  );
}

/** Failure mode, symptoms, causes, and the actions as a list to go through one after the other. */
export function GuidanceView({ guidance }: { guidance: Guidance }) {
  const { t } = useTranslation('common');
  return (
    <div className="hw-guide" data-testid="guidance">
      <p className="hw-guidemode"><span className="hw-muted">{t('common:guidance.mode')}</span> <b>{titleOf(guidance.mode)}</b></p>
      {guidance.actions.length ? (
        <>
          <h4>{t('common:guidance.actions')}</h4>
          <ol>
            {guidance.actions.map((action) => (
              <li key={action.zh} data-testid="guidance-action">
                <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
                  <rect x="2" y="2" width="14" height="14" rx="2" fill="none" stroke="currentColor" strokeWidth="1.5" />
                </svg>
                <span>{titleOf(action)}</span>
              </li>
            ))}
          </ol>
        </>
      ) : null}
      <Part name="symptoms" items={guidance.symptoms} />
      <Part name="causes" items={guidance.causes} />
    </div>
  );
}
