import type { AuditEventInput, ResourceInput, Status } from '../../schemas/generated.js';
import { invalid } from '../../schemas/invalid.js';
import { fromJson } from '../../schemas/json.js';
import { cloudTrailActor } from './cloudtrail-actor.js';
import { cloudTrailCategory, cloudTrailOperation } from './cloudtrail-verbs.js';
import { Attributes, type Fields, fieldsOf, text } from './flatten.js';

/**
 * A CloudTrail record (eventVersion 1.x) as an AuditEvent. Nothing is dropped: what has no field of
 * its own becomes an attribute named in snake case (flatten.ts).
 *
 *   eventID            event_id, kept            eventTime           occurred_at
 *   recipientAccountId tenant_id                 eventSource + Name  action: iam.CreateUser
 *   userIdentity       actor (cloudtrail-actor.ts)
 *   readOnly + names   operation, category (cloudtrail-verbs.ts)
 *   errorCode          outcome.code; DENIED where it says so, else FAILURE; none: SUCCESS
 *   errorMessage       outcome.detail            requestID           context.request_id
 *   sourceIPAddress    context.client_ip         userAgent           context.user_agent
 *   sharedEventID      context.correlation_id
 *   resources          resources; where absent, the request's …Id, …Name and …Arn parameters
 *   requestParameters, responseElements
 *                      attributes request_parameters, response_elements: JSON text. Not `changes`:
 *                      they say what was asked and answered, not what the resource was before.
 */

const MAX_RESOURCES = 100;
const DENIED =
  /AccessDenied|Unauthorized|Forbidden|AuthFailure|NotAuthorized|SignatureDoesNotMatch/i;
const IDENTIFIER = /^(.{1,100}?)(?:Id|Name|Arn|ARN)$/;
/** Text that the event holds in a field of its own; of another type it is kept as an attribute. */
const MAPPED_TEXT = new Set([
  'eventID',
  'eventTime',
  'eventName',
  'recipientAccountId',
  'errorCode',
  'errorMessage',
  'requestID',
  'sourceIPAddress',
  'userAgent',
  'sharedEventID',
]);
const AS_JSON_TEXT = new Set(['requestParameters', 'responseElements', 'resources']);

/** Throws `event-invalid` with the CloudTrail field or the event's path. */
export function cloudTrailEvent(record: unknown): AuditEventInput {
  const fields = fieldsOf(record);
  if (fields === null) throw invalid('the record', 'is no object');
  const source = mandatory(fields, 'eventSource');
  const name = mandatory(fields, 'eventName');
  const identity = fieldsOf(fields['userIdentity']) ?? {};
  return fromJson({
    event_id: mandatory(fields, 'eventID'),
    tenant_id: text(fields['recipientAccountId']) ?? text(identity['accountId']) ?? '',
    occurred_at: mandatory(fields, 'eventTime'),
    action: `${source.replace(/\.amazonaws\.com(?:\.cn)?$/, '')}.${name}`,
    category: cloudTrailCategory(fields, source, name),
    operation: cloudTrailOperation(fields, name),
    outcome: {
      status: statusOf(fields),
      code: text(fields['errorCode']),
      detail: text(fields['errorMessage']),
    },
    actor: cloudTrailActor(identity, text(fields['eventType'])),
    resources: resourcesOf(fields),
    context: {
      request_id: text(fields['requestID']),
      client_ip: text(fields['sourceIPAddress']),
      user_agent: text(fields['userAgent']),
      correlation_id: text(fields['sharedEventID']),
    },
    attributes: attributesOf(fields),
  });
}

function attributesOf(fields: Fields): Readonly<Record<string, string>> {
  const attributes = new Attributes();
  for (const [name, value] of Object.entries(fields)) {
    if (MAPPED_TEXT.has(name) && text(value) !== null) continue;
    if (AS_JSON_TEXT.has(name)) attributes.addWhole(name, value);
    else attributes.add(name, value);
  }
  return attributes.values();
}

function statusOf(fields: Fields): Status {
  const code = text(fields['errorCode']);
  if (code !== null) return DENIED.test(code) ? 'DENIED' : 'FAILURE';
  // Console sign-ins tell failure in the response.
  const signIn = fieldsOf(fields['responseElements'])?.['ConsoleLogin'];
  return signIn === 'Failure' || text(fields['errorMessage']) !== null ? 'FAILURE' : 'SUCCESS';
}

function resourcesOf(fields: Fields): ResourceInput[] {
  const listed = Array.isArray(fields['resources']) ? fields['resources'] : [];
  const resources = listed.slice(0, MAX_RESOURCES).flatMap((item: unknown): ResourceInput[] => {
    const resource = fieldsOf(item);
    const id = text(resource?.['ARN']) ?? text(resource?.['ARNPrefix']);
    if (resource === null || id === null) return [];
    return [{ type: text(resource['type']) ?? '', id, parent: text(resource['accountId']) }];
  });
  if (resources.length > 0) return resources;
  return Object.entries(fieldsOf(fields['requestParameters']) ?? {})
    .flatMap(([name, value]): ResourceInput[] => {
      const type = IDENTIFIER.exec(name)?.[1];
      const id = text(value);
      return type === undefined || id === null || id === '' ? [] : [{ type, id }];
    })
    .slice(0, MAX_RESOURCES);
}

function mandatory(fields: Fields, name: string): string {
  const value = text(fields[name]);
  if (value === null || value === '') throw invalid(name, 'is missing or no text');
  return value;
}
