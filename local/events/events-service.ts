import { randomUUID } from 'node:crypto'
import {
  jsonService,
  onlyFields,
  optionalString,
  ServiceError,
  stringField,
  type JsonObject,
} from '../gateway/json-service.ts'
import { ACCOUNT, type Call, REGION, type Service } from '../gateway/service.ts'
import { isObject } from '../json-object.ts'
import type { EventBus } from './event-bus.ts'

/** Entries of a request, and bytes of all of them together. Source: EventBridge user guide, "Quotas" and "PutEvents event entry size". */
const MOST_ENTRIES = 10
const MOST_BYTES = 256 * 1024

const FIELDS = ['Source', 'DetailType', 'Detail', 'EventBusName', 'Resources', 'Time']

/** EventBridge: PutEvents on the default bus. */
export function createEventsService(bus: EventBus): Service {
  return jsonService('events', 'AWSEvents', {
    PutEvents(input, call) {
      onlyFields('PutEvents', input, ['Entries'])
      const entries = entriesOf(input)
      // Nothing is put on the bus before every entry was looked at.
      for (const entry of entries) authorize(entry, call)
      const answers = entries.map((entry) => put(bus, entry))
      return {
        FailedEntryCount: answers.filter((answer) => 'ErrorCode' in answer).length,
        Entries: answers,
      }
    },
  })
}

function entriesOf(input: JsonObject): JsonObject[] {
  const entries = input['Entries']
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > MOST_ENTRIES)
    throw new ServiceError('ValidationException', `Entries has to have 1 to ${MOST_ENTRIES} entries`)
  const objects = entries.filter(isObject)
  if (objects.length < entries.length)
    throw new ServiceError('SerializationException', 'an entry is an object')
  for (const entry of objects) onlyFields('PutEvents', entry, FIELDS)
  const bytes = objects.reduce((sum, entry) => sum + sizeOf(entry), 0)
  if (bytes > MOST_BYTES)
    throw new ServiceError(
      'ValidationException',
      `Total size of the entries in the request is over the limit: ${bytes} bytes`,
    )
  return objects
}

/** Source: EventBridge user guide, "Calculating PutEvents event entry size". */
function sizeOf(entry: JsonObject): number {
  const texts = [entry['Source'], entry['DetailType'], entry['Detail'], ...[entry['Resources'] ?? []].flat()]
  const time = entry['Time'] === undefined ? 0 : 14
  return texts.reduce<number>(
    (sum, text) => sum + Buffer.byteLength(typeof text === 'string' ? text : ''),
    time,
  )
}

function authorize(entry: JsonObject, call: Call): void {
  const bus = optionalString(entry, 'EventBusName') ?? 'default'
  call.authorize('events:PutEvents', `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${bus}`, {
    'events:source': optionalString(entry, 'Source'),
    'events:detail-type': optionalString(entry, 'DetailType'),
  })
  if (bus !== 'default')
    throw new ServiceError('ResourceNotFoundException', `Event bus ${bus} does not exist.`)
}

/** An entry's own faults are told in its answer. Source: EventBridge API reference, PutEventsResultEntry. */
function put(bus: EventBus, entry: JsonObject): JsonObject {
  const source = stringField(entry, 'Source')
  const type = stringField(entry, 'DetailType')
  if (source.startsWith('aws.'))
    return {
      ErrorCode: 'NotAuthorizedForSourceException',
      ErrorMessage: 'Not authorized for the source.',
    }
  const detail = parse(stringField(entry, 'Detail'))
  if (!isObject(detail)) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' }
  const id = randomUUID()
  const time = entry['Time']
  bus.put({
    version: '0',
    id,
    'detail-type': type,
    source,
    account: ACCOUNT,
    time: (typeof time === 'number' ? new Date(time * 1000) : new Date()).toISOString().replace(/\.\d+/, ''),
    region: REGION,
    resources: [entry['Resources'] ?? []].flat(),
    detail,
  })
  return { EventId: id }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
