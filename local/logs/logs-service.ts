import {
  jsonService,
  onlyFields,
  optionalString,
  ServiceError,
  stringField,
} from '../gateway/json-service.ts'
import { ACCOUNT, REGION, type Service } from '../gateway/service.ts'
import type { LogStore } from './log-store.ts'

/** What CloudWatch Logs gives at most in one answer. Source: GetLogEvents API reference, `limit`. */
const PAGE = 10_000

/** CloudWatch Logs, as far as reading one stream goes: GetLogEvents. */
export function createLogsService(store: LogStore): Service {
  return jsonService('logs', 'Logs_20140328', {
    GetLogEvents(input, call) {
      onlyFields('GetLogEvents', input, [
        'logGroupName',
        'logStreamName',
        'startFromHead',
        'limit',
        'nextToken',
      ])
      const group = stringField(input, 'logGroupName')
      const stream = stringField(input, 'logStreamName')
      call.authorize(
        'logs:GetLogEvents',
        `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${group}:log-stream:${stream}`,
      )
      const events = store.read(group, stream)
      if (events === undefined)
        throw new ServiceError('ResourceNotFoundException', 'The specified log stream does not exist.')
      const limit = typeof input['limit'] === 'number' ? Math.min(input['limit'], PAGE) : PAGE
      const [from, to] = pageOf(
        events.length,
        limit,
        optionalString(input, 'nextToken'),
        input['startFromHead'] === true,
      )
      return {
        events: events.slice(from, to).map((event) => ({ ...event, ingestionTime: event.timestamp })),
        nextForwardToken: `f/${to}`,
        nextBackwardToken: `b/${from}`,
      }
    },
  })
}

/** The first event of a page and the one after its last. At either end the token that was sent comes back. */
function pageOf(
  total: number,
  limit: number,
  token: string | undefined,
  fromHead: boolean,
): [number, number] {
  if (token === undefined) return fromHead ? [0, Math.min(limit, total)] : [Math.max(0, total - limit), total]
  const match = /^([fb])\/(\d+)$/.exec(token)
  if (match === null)
    throw new ServiceError('InvalidParameterException', 'The specified nextToken is invalid.')
  const at = Number(match[2])
  return match[1] === 'f' ? [Math.min(at, total), Math.min(at + limit, total)] : [Math.max(0, at - limit), at]
}
