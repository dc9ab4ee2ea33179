import type { AuditEvent } from './generated.js';
import { invalid } from './invalid.js';

/** What a type cannot say. */

const ACTION = /^[A-Za-z0-9_:/-]+(?:\.[A-Za-z0-9_:/-]+)*$/;
const ATTRIBUTE = /^[a-z][a-z0-9_.-]{0,63}$/;

/** Throws `event-invalid`. */
export function checkRules(event: AuditEvent): void {
  if (!isAction(event.action)) {
    throw invalid('/action', 'must be 1 to 255 characters: dotted words of A-Z a-z 0-9 _ : / -');
  }
  for (const key of Object.keys(event.attributes)) {
    if (!isAttributeKey(key)) {
      throw invalid(
        `/attributes/${key.slice(0, 100)}`,
        `has a key that does not match ${ATTRIBUTE}`,
      );
    }
  }
  event.changes.forEach((change, at) => {
    if (!isIndex(change.resource, event.resources.length)) {
      throw invalid(`/changes/${at}/resource`, 'is no index into /resources');
    }
  });
}

export function isAttributeKey(key: string): boolean {
  return ATTRIBUTE.test(key);
}

export function isAction(action: unknown): boolean {
  return typeof action === 'string' && action.length <= 255 && ACTION.test(action);
}

/** Whether a change may point at this one of `resources`; at the first also where there is none. */
export function isIndex(resource: number, resources: number): boolean {
  return resource >= 0 && resource < Math.max(1, resources);
}
