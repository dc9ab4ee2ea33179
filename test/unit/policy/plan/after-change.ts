import assert from 'node:assert/strict';
import type { Difference } from '../../../../policy/plan/difference.js';
import type { Observed } from '../../../../policy/plan/observed.js';
import { ruleKey } from '../../../../policy/plan/roles.js';
import type { Setting } from '../../../../stream/administration.js';
import { stateOf } from './plan-support.js';

/** The cluster once the difference's change was made. */
export function afterChange(observed: Observed, { change }: Difference): Observed {
  const rules = Array.isArray(observed.rules) ? observed.rules : [];
  switch (change?.kind) {
    case 'create-topic': {
      const state = stateOf(change.specification);
      return { ...observed, topics: new Map(observed.topics).set(state.topic, state) };
    }
    case 'settings': {
      const state = observed.topics.get(change.topic) ?? assert.fail('no topic');
      const settings = new Map<string, Setting>(state.settings);
      for (const [name, value] of change.settings) settings.set(name, { value, source: 'topic' });
      const changed = { ...state, settings };
      return { ...observed, topics: new Map(observed.topics).set(change.topic, changed) };
    }
    case 'partitions': {
      const state = observed.topics.get(change.topic) ?? assert.fail('no topic');
      const [first = assert.fail('no partition')] = state.partitions;
      const partitions = Array.from({ length: change.total }, (_, partition) => {
        return { ...first, partition };
      });
      const changed = { ...state, partitions };
      return { ...observed, topics: new Map(observed.topics).set(change.topic, changed) };
    }
    case 'add-rules':
      return { ...observed, rules: [...rules, ...change.rules] };
    case 'remove-rules': {
      const gone = new Set(change.rules.map(ruleKey));
      return { ...observed, rules: rules.filter((rule) => !gone.has(ruleKey(rule))) };
    }
    case 'quota':
      return { ...observed, quotas: [change.quota] };
    default:
      return assert.fail('apply does nothing about it');
  }
}
