/** Edits of what is observed of a cluster. */
import assert from 'node:assert/strict';
import { SealstreamError } from '../../../../ledger/error.js';
import type { Observed } from '../../../../policy/plan/observed.js';
import type {
  AccessRule,
  Quota,
  Setting,
  SettingSource,
  TopicState,
} from '../../../../stream/administration.js';

export type Drift = (observed: Observed) => Observed;

export function editTopic(name: string, edit: (state: TopicState) => TopicState | null): Drift {
  return (observed) => {
    const topics = new Map(observed.topics);
    const state = topics.get(name) ?? assert.fail(`no topic ${name}`);
    topics.set(name, edit(state));
    return { ...observed, topics };
  };
}

export function setting(
  topic: string,
  name: string,
  value: string | null,
  source = 'topic',
): Drift {
  return editTopic(topic, (state) => {
    const settings = new Map(state.settings);
    settings.set(name, { value, source: source as Setting['source'] });
    return { ...state, settings };
  });
}

export function brokerSetting(
  id: number,
  name: string,
  value: string | null,
  source: SettingSource = 'file',
): Drift {
  return (observed) => {
    const brokers = observed.cluster.brokers.map((broker) =>
      broker.id === id
        ? {
            ...broker,
            settings: new Map([...(broker.settings ?? []), [name, { value, source }]]),
          }
        : broker,
    );
    return { ...observed, cluster: { ...observed.cluster, brokers } } as Observed;
  };
}

export function rulesOf({ rules }: Observed): readonly AccessRule[] {
  return Array.isArray(rules) ? rules : assert.fail('no rules');
}

export function quotasOf({ quotas }: Observed): readonly Quota[] {
  return Array.isArray(quotas) ? quotas : assert.fail('no quotas');
}

export function rule(edit: Partial<AccessRule>): AccessRule {
  return {
    resource: 'topic',
    pattern: 'literal',
    name: 'audit',
    principal: 'User:mallory',
    host: '*',
    operation: 'write',
    permission: 'allow',
    ...edit,
  };
}

export function extra(edit: Partial<AccessRule>): Drift {
  return (observed) => ({ ...observed, rules: [...rulesOf(observed), rule(edit)] });
}

export function partition(topic: string, edit: Partial<TopicState['partitions'][number]>): Drift {
  return editTopic(topic, (state) => {
    return { ...state, partitions: state.partitions.map((each) => ({ ...each, ...edit })) };
  });
}

export function logStart(topic: string, answer: bigint | SealstreamError): Drift {
  return (observed) => {
    const bounds = new Map(observed.bounds);
    const [first, ...others] = bounds.get(topic) ?? [];
    assert.ok(first !== undefined && !(first instanceof SealstreamError));
    const changed = typeof answer === 'bigint' ? { ...first, logStart: answer } : answer;
    bounds.set(topic, [changed, ...others]);
    return { ...observed, bounds };
  };
}

export function recorded(edit: Partial<NonNullable<Observed['recorded']>>): Drift {
  return (observed) => {
    const before = observed.recorded;
    assert.ok(before !== null && !(before instanceof SealstreamError));
    return { ...observed, recorded: { ...before, ...edit } };
  };
}
