import type { CheckResult, Draft } from '../finding.js';
import type { Premises } from '../prepared.js';

const LOCAL = /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?$/i;

/** Whether events and passwords are read by nobody on their way to the brokers. */
export function connectionCheck({ configuration }: Premises): CheckResult {
  const { stream, kafka } = configuration;
  if (kafka?.tls !== undefined && kafka.tls !== false) return { drafts: [], unseen: [] };
  const hosts = stream.slice('kafka://'.length).split(',');
  const local = hosts.every((host) => LOCAL.test(host));
  const path = kafka?.tls === undefined ? ['stream'] : ['kafka', 'tls'];
  const at = { subject: stream, found: 'no TLS', expected: 'TLS', path } as const;
  const drafts: Draft[] = [
    {
      ...at,
      code: local ? 'tls-off-local' : 'tls-off',
      remedy: 'kafka: { tls: { ca: tls/ca.pem } }, and a listener with TLS on every broker',
    },
  ];
  if (kafka?.sasl?.mechanism === 'plain' && !local) {
    drafts.push({
      ...at,
      code: 'password-in-clear',
      found: 'SASL PLAIN without TLS',
      remedy: 'kafka: { tls: { ca: tls/ca.pem } }, or sasl: { mechanism: scram-sha-512, … }',
      path: ['kafka', 'sasl'],
    });
  }
  return { drafts, unseen: [] };
}
