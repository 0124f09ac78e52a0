import { PlusOutlined } from '@ant-design/icons';
import { useHost } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import { App, Button, type ButtonProps } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSend } from '../../components/send';
import { StaleNote } from '../../components/stale-note';
import { Empty, Ready } from '../../components/states';
import { formatAge, formatDateTime } from '../../lib/format';
import { useNow } from '../../live/hooks';
import { accountKeys, revokeToken, tokensQuery, type Token } from './api';
import { TokenDialog } from './token-dialog';
import '../../components/parts.css';
import './account.css';

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;
const CONFIRM: ButtonProps & Record<'data-testid', string> = { danger: true, 'data-testid': 'token-revoke-confirm' };

function useRevoke(): (token: Token) => void {
  const { t } = useTranslation('account');
  const { modal } = App.useApp();
  const revoking = useSend<string>(revokeToken, { stale: [accountKeys.tokens] });
  return (token) => void modal.confirm({
    title: t('account:tokens.revokeTitle', { name: token.name }), content: t('account:tokens.revokeText', { prefix: token.prefix }),
    okText: t('account:tokens.revoke'), cancelText: t('account:back'), okButtonProps: CONFIRM,
    onOk: () => revoking.mutateAsync(token.id).catch(() => undefined),
  });
}

/** When it ends, and in words when that is soon. */
function Ends({ token, now }: { token: Token; now: number }) {
  const { t } = useTranslation('account');
  const days = Math.ceil((token.expires_ms - now) / DAY_MS);
  const soon = days < 1 ? t('account:tokens.ended') : days === 1 ? t('account:tokens.endsToday') : t('account:tokens.endsIn', { n: days });
  return (
    <span className="hw-num">
      {formatDateTime(token.expires_ms).slice(0, -3)} {days <= SOON_DAYS ? <span className="hw-badge" data-dashed="true">{soon}</span> : null}
    </span>
  );
}

function Row({ token, onRevoke }: { token: Token; onRevoke: (token: Token) => void }) {
  const { t } = useTranslation('account');
  const now = useNow();
  return (
    <tr data-testid="token-row" data-id={token.id} data-name={token.name} data-used={token.last_used_ms !== null}>
      <th scope="row">{token.name}</th>
      <td data-label={t('account:tokens.columns.prefix')} className="hw-mono">{t('account:tokens.prefix', { prefix: token.prefix })}</td>
      <td data-label={t('account:tokens.columns.may')}>{t(token.read_only ? 'account:tokens.readOnly' : 'account:tokens.readWrite')}</td>
      <td data-label={t('account:tokens.columns.created')} className="hw-num">{formatDateTime(token.created_ms).slice(0, -3)}</td>
      <td data-label={t('account:tokens.columns.expires')}><Ends token={token} now={now} /></td>
      <td data-label={t('account:tokens.columns.used')} className="hw-num" data-testid="token-used">
        {token.last_used_ms === null ? <span className="hw-muted">{t('account:tokens.never')}</span>
          : <span title={formatDateTime(token.last_used_ms)}>{formatAge(now - token.last_used_ms)}</span>}
      </td>
      <td className="hw-acts">
        <Button size="small" data-testid="token-revoke" aria-label={t('account:tokens.revokeName', { name: token.name })} onClick={() => onRevoke(token)}>{t('account:tokens.revoke')}</Button>
      </td>
    </tr>
  );
}

const COLUMNS = ['name', 'prefix', 'may', 'created', 'expires', 'used'] as const;

/** The tokens by which programs act as the person who is signed in. */
export default function AccountPage() {
  const { t } = useTranslation('account');
  const { user } = useHost();
  const tokens = useQuery(tokensQuery());
  const revoke = useRevoke();
  const [making, setMaking] = useState(false);
  const create = <Button type="primary" icon={<PlusOutlined />} data-testid="token-create" onClick={() => setMaking(true)}>{t('account:tokens.create')}</Button>;
  return (
    <div className="hw-page">
      <div className="hw-page-head">
        <h1>{t('account:tokens.title')}</h1>
        <p className="hw-muted">{t('account:who', { display: user.display || user.name, name: user.name, roles: user.roles.map((r) => t(`shell:role.${r}`, { defaultValue: r })).join(' ') })}</p>
        <div className="hw-actions">{create}</div>
      </div>
      <p className="hw-muted">{t('account:tokens.intro')}</p>
      <StaleNote query={tokens} />
      <section className="hw-panel">
        <Ready query={tokens} rows={4}>
          {(items) => (items.length ? (
            <div className="hw-tablewrap">
              <table className="hw-rows">
                <thead>
                  <tr>
                    {COLUMNS.map((c) => <th key={c} scope="col">{t(`account:tokens.columns.${c}`)}</th>)}
                    <th scope="col"><span className="hw-sr">{t('account:act')}</span></th>
                  </tr>
                </thead>
                <tbody>{items.map((token) => <Row key={token.id} token={token} onRevoke={revoke} />)}</tbody>
              </table>
            </div>
          ) : <Empty title={t('account:tokens.empty')} hint={t('account:tokens.emptyHint')} />)}
        </Ready>
      </section>
      <TokenDialog open={making} onClose={() => setMaking(false)} />
    </div>
  );
}
