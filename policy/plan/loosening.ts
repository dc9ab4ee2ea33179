/**
 * What a file asks for that an immutable ledger must not have, by the rules of `plan`, but seen
 * without asking any cluster.
 */
import { checkpointTopic } from '../../ledger/checkpoint-record.js';
import type { Code } from '../catalogue/catalogue.js';
import type { Configuration } from '../file/configuration.js';
import { ROLES } from '../file/principals.js';
import { type Waiver, waiverFor } from '../file/waiver.js';
import type { Path } from '../file/yaml.js';
import { desiredTopics } from './desired.js';
import { codeOf, isLooser } from './direction.js';

/** One field that loosens the ledger. */
export interface Loosening {
  readonly code: Code;
  readonly topic: string | null;
  /** Of the field in ledger.yaml. */
  readonly path: Path;
  readonly found: string;
  /** null: left out. */
  readonly expected: string | null;
  /** The one in force that covers it; null: `validate` refuses it. */
  readonly waiver: Waiver | null;
}

type Unwaived = Omit<Loosening, 'waiver'>;

/** `today` is YYYY-MM-DD, UTC: the day that waivers are held against. */
export function loosenings(configuration: Configuration, today: string): Loosening[] {
  const { waivers } = configuration;
  const found = [...looseTopics(configuration), ...looseGrants(configuration)];
  return found.map((each) => ({ ...each, waiver: waiverFor(waivers, today, each) }));
}

function looseTopics(configuration: Configuration): Unwaived[] {
  return desiredTopics(configuration).flatMap(({ specification, required }) => {
    const { topic, settings } = specification;
    const index = configuration.topics.findIndex(
      ({ name }) => name === topic || checkpointTopic(name) === topic,
    );
    return [...settings].flatMap(([setting, found]): Unwaived[] => {
      const expected = required.get(setting) ?? null;
      if (!isLooser(setting, found, expected ?? undefined)) return [];
      const field = setting === 'min.insync.replicas' ? ['minInSync'] : ['settings', setting];
      const path = ['topics', index, ...field];
      return [{ code: codeOf(setting), topic, path, found, expected }];
    });
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
