/** What a file asks for that an immutable ledger must not have: seen without asking any cluster. */
import type { Code } from './catalogue.js';
import type { Configuration } from './configuration.js';
import { type Waiver, waiverFor } from './difference.js';
import { ROLES } from './principals.js';
import type { Path } from './yaml.js';

/** One field that loosens the ledger. */
export interface Loosening {
  readonly code: Code;
  readonly topic: string | null;
  /** Of the field in ledger.yaml. */
  readonly path: Path;
  readonly found: string;
  readonly expected: string;
  /** The one in force that covers it; null: `validate` refuses it. */
  readonly waiver: Waiver | null;
}

/** Settings of an audit topic that may have one value only. */
const FIXED: readonly (readonly [setting: string, value: string, code: Code])[] = [
  ['cleanup.policy', 'delete', 'cleanup-policy'],
  ['retention.ms', '-1', 'retention-time'],
  ['retention.bytes', '-1', 'retention-bytes'],
  ['message.timestamp.type', 'LogAppendTime', 'timestamp-type'],
  ['unclean.leader.election.enable', 'false', 'unclean-election'],
];

const WIDELY_REPLICATED = 3;
const LEAST_IN_SYNC = 2;

/** In the order of the file. `today` is YYYY-MM-DD, UTC: the day that waivers are held against. */
export function loosenings(configuration: Configuration, today: string): Loosening[] {
  const { waivers } = configuration;
  const found = [...looseTopics(configuration), ...looseGrants(configuration)];
  return found.map((each) => ({ ...each, waiver: waiverFor(waivers, today, each) }));
}

type Unwaived = Omit<Loosening, 'waiver'>;

function looseTopics({ topics }: Configuration): Unwaived[] {
  return topics.flatMap(({ name, settings, replication = 1, minInSync }, index) => {
    const found: Unwaived[] = [];
    for (const [setting, expected, code] of FIXED) {
      const value = settings[setting];
      if (value === undefined || value === expected) continue;
      const path = ['topics', index, 'settings', setting];
      found.push({ code, topic: name, path, found: value, expected });
    }
    if (replication >= WIDELY_REPLICATED && minInSync !== undefined && minInSync < LEAST_IN_SYNC) {
      found.push({
        code: 'min-insync',
        topic: name,
        path: ['topics', index, 'minInSync'],
        found: String(minInSync),
        expected: `at least ${LEAST_IN_SYNC} where replication is ${replication}`,
      });
    }
    return found;
  });
}

function looseGrants({ principals }: Configuration): Unwaived[] {
  if (principals === undefined) return [];
  return ROLES.flatMap((role) =>
    principals[role].flatMap(({ principal }, index): Unwaived[] => {
      if (principal !== 'User:*') return [];
      const path = ['principals', role, index];
      const expected = 'one principal by its name';
      return [{ code: 'acl-everyone', topic: null, path, found: principal, expected }];
    }),
  );
}
