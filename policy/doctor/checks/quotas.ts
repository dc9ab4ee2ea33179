import { isUnseen } from '../../plan/comparison.js';
import type { CheckResult, Draft } from '../finding.js';
import { principalPath } from '../paths.js';
import type { Site } from '../prepared.js';
import { differenceCheck } from './differences.js';

const LIMIT = 'producer_byte_rate';
const USER = 'User:';
const EXAMPLE = 10_485_760;

const declaredQuotas = differenceCheck('quotas');

/** Whether every publisher has a limit: the declared one, or at least one of the cluster. */
export function quotaCheck(site: Site): CheckResult {
  const { configuration, observed } = site;
  const declared = declaredQuotas(site);
  const publishers = configuration.principals?.publisher ?? [];
  const limited = new Set(
    publishers.flatMap((grant) => (grant.bytesPerSecond === null ? [] : grant.principal)),
  );
  const others = publishers.flatMap(({ principal }) => (limited.has(principal) ? [] : principal));
  if (others.length === 0) return declared;
  const { quotas } = observed;
  if (isUnseen(quotas)) {
    if (declared.unseen.length > 0) return declared;
    const remedy = 'grant DescribeConfigs on the cluster to the principal that runs this';
    return { ...declared, unseen: [{ subject: 'cluster', message: quotas.message, remedy }] };
  }
  const users = new Set(quotas.flatMap(({ user, limits }) => (limits.has(LIMIT) ? [user] : [])));
  const bare = [...new Set(others)].filter(
    (principal) => !users.has(null) && !users.has(principal.slice(USER.length)),
  );
  const drafts = bare.map(
    (principal): Draft => ({
      code: 'quota-absent',
      subject: principal,
      found: null,
      expected: LIMIT,
      remedy: `principals: { publisher: [{ principal: '${principal}', bytesPerSecond: ${EXAMPLE} }] }, then sealstream apply`,
      path: principalPath(configuration, principal),
    }),
  );
  return { ...declared, drafts: [...declared.drafts, ...drafts] };
}
