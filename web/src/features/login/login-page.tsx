import { Button, Form, Input } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useErrorText } from '../../components/states';
import { LanguageSwitch } from '../shell/language-switch';
import { queryClient } from '../../lib/client';
import { titleOf } from '../../lib/format';
import { ApiError, request } from '../../lib/http';
import { keys } from '../../lib/keys';
import type { Session } from '../../lib/types';
import './login.css';

/** Takes the server's answer as the new session, after forgetting everything another person may have seen. */
function enter(session: Session): void {
  queryClient.removeQueries({ predicate: (q) => q.queryKey[0] !== 'session' });
  queryClient.setQueryData(keys.session, session);
}

/** Seconds until one may try again, counted down; null for a refusal that has no such time. */
function useRest(error: unknown): number | null {
  const given = error instanceof ApiError ? Number(error.problem.params?.retry_s) : NaN;
  const [rest, setRest] = useState<number | null>(null);
  useEffect(() => {
    if (!(given > 0)) {
      setRest(null);
      return undefined;
    }
    const end = performance.now() + given * 1000;
    const tick = () => setRest(Math.max(0, Math.ceil((end - performance.now()) / 1000)));
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [error, given]);
  return rest;
}

/** Too many wrong passwords: why, how long it still lasts, and what else one can do. */
function Wait({ code, rest }: { code: string; rest: number }) {
  const { t } = useTranslation('login');
  const locked = code === 'auth.locked';
  const time = `${Math.floor(rest / 60)}:${String(rest % 60).padStart(2, '0')}`;
  return (
    <div className="hw-note" role="alert" data-testid="login-wait" data-code={code} data-rest={rest}>
      <strong>{t(locked ? 'login:locked' : 'login:throttled')}</strong>
      {rest > 0 ? (
        <>
          <p className="hw-restline">{t('login:rest')} <b className="hw-num" aria-live="off">{time}</b></p>
          {locked ? <p>{t('login:lockedHint')}</p> : null}
        </>
      ) : <p>{t('login:again')}</p>}
    </div>
  );
}

function Refusal({ error }: { error: unknown }) {
  const text = useErrorText(error);
  const rest = useRest(error);
  if (rest !== null) return <Wait code={text.code} rest={rest} />;
  return (
    <div className="hw-note" role="alert">
      <strong>{text.title}</strong>
      {text.remedy ? <p>{text.remedy}</p> : null}
    </div>
  );
}

function useSubmit<T>(path: string) {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (body: T) => {
    setBusy(true);
    setError(null);
    try {
      enter(await request<Session>('POST', path, body));
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return { submit, error, busy };
}

function SignIn() {
  const { t } = useTranslation('login');
  const { submit, error, busy } = useSubmit<{ username: string; password: string }>('session');
  return (
    <Form layout="vertical" requiredMark={false} onFinish={submit} size="large" disabled={busy}>
      {error ? <Refusal error={error} /> : null}
      <Form.Item name="username" label={t('login:username')} rules={[{ required: true, message: t('login:usernameMissing') }]}>
        <Input data-testid="login-username" autoComplete="username" autoCapitalize="none" autoFocus />
      </Form.Item>
      <Form.Item name="password" label={t('login:password')} rules={[{ required: true, message: t('login:passwordMissing') }]}>
        <Input.Password data-testid="login-password" autoComplete="current-password" />
      </Form.Item>
      <Button data-testid="login-submit" type="primary" htmlType="submit" block loading={busy}>{t('login:submit')}</Button>
    </Form>
  );
}

function ChangePassword({ name }: { name: string }) {
  const { t } = useTranslation('login');
  const { submit, error, busy } = useSubmit<{ password: string; new_password: string }>('session/password');
  return (
    <Form
      layout="vertical" requiredMark={false} size="large" disabled={busy}
      onFinish={(v: { password: string; new_password: string }) =>
        submit({ password: v.password, new_password: v.new_password })}
    >
      <p className="hw-note">{t('login:mustChange')}</p>
      {error ? <Refusal error={error} /> : null}
      <input className="hw-sr" name="username" autoComplete="username" defaultValue={name} tabIndex={-1} aria-hidden />
      <Form.Item name="password" label={t('login:oldPassword')} rules={[{ required: true, message: t('login:passwordMissing') }]}>
        <Input.Password autoComplete="current-password" autoFocus />
      </Form.Item>
      <Form.Item name="new_password" label={t('login:newPassword')} rules={[{ required: true, message: t('login:passwordMissing') }]}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item
        name="repeat" label={t('login:repeatPassword')} dependencies={['new_password']}
        rules={[({ getFieldValue }) => ({
          validator: (_, value) =>
            value === getFieldValue('new_password') ? Promise.resolve() : Promise.reject(new Error(t('login:notEqual'))),
        })]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Button type="primary" htmlType="submit" block loading={busy}>{t('login:change')}</Button>
    </Form>
  );
}

export function LoginPage({ session }: { session: Session }) {
  const { t } = useTranslation('login');
  const site = titleOf(session.site);
  useEffect(() => { document.title = site; }, [site]);
  return (
    <main className="hw-login">
      <section>
        <header>
          <div>
            <h1>{site}</h1>
            <p className="hw-muted">{t('login:product')}</p>
          </div>
          <LanguageSwitch />
        </header>
        {session.user ? <ChangePassword name={session.user.name} /> : <SignIn />}
        <footer className="hw-muted">{t('login:version', { version: session.version })}</footer>
      </section>
    </main>
  );
}
