import * as z from 'zod/mini'
import { activityArn, isName } from '../arns.ts'
import { parseJson, type Json } from '../asl/json.ts'
import type { ActivityRecord } from '../store.ts'
import { TaskTokens } from '../task-tokens.ts'
import { ApiError, activityDoesNotExist } from './api-error.ts'
import { seconds, type Operation, type World } from './operation.ts'
import { page } from './paging.ts'
import { checkArn, fields, read } from './request.ts'

// GetActivityTask answers after a minute when there is nothing to do. Source: API reference.
const LONGEST_POLL = 60_000

function findActivity({ activityRecords }: World, arn: string): ActivityRecord {
  checkArn(arn, 'activity')
  const record = activityRecords.get(arn)
  if (!record) throw activityDoesNotExist(arn)
  return record
}

/** Creating the same activity again is no error. */
export const createActivity: Operation = (world, body, call) => {
  const { name } = read(z.strictObject({ name: fields.name }), body)
  const arn = activityArn(name)
  call.authorize('states:CreateActivity', arn)
  if (!isName(name)) throw new ApiError('InvalidName', `Invalid Name: '${name}'`)
  const record = world.activityRecords.get(arn) ?? { name, arn, creationDate: world.clock.now().getTime() }
  world.store.saveActivity(record)
  world.activityRecords.set(arn, record)
  world.activities.add(arn)
  return { activityArn: arn, creationDate: seconds(record.creationDate) }
}

const OneActivity = z.strictObject({ activityArn: fields.arn })

/** Deleting what is not there is no error. */
export const deleteActivity: Operation = (world, body, call) => {
  const { activityArn: arn } = read(OneActivity, body)
  call.authorize('states:DeleteActivity', arn)
  checkArn(arn, 'activity')
  const record = world.activityRecords.get(arn)
  if (record) world.store.removeActivity(record.name)
  world.activityRecords.delete(arn)
  world.activities.remove(arn)
  return {}
}

export const describeActivity: Operation = (world, body, call) => {
  const { activityArn: arn } = read(OneActivity, body)
  call.authorize('states:DescribeActivity', arn)
  const { name, creationDate } = findActivity(world, arn)
  return { activityArn: arn, name, creationDate: seconds(creationDate) }
}

export const listActivities: Operation = ({ activityRecords }, body, call) => {
  const asked = read(z.strictObject({ maxResults: fields.maxResults, nextToken: fields.nextToken }), body)
  call.authorize('states:ListActivities', '*')
  const { elements, nextToken } = page([...activityRecords.values()], ({ arn }) => arn, {
    of: 'ListActivities',
    ...asked,
  })
  const activities = elements.map(({ arn, name, creationDate }) => ({
    activityArn: arn,
    name,
    creationDate: seconds(creationDate),
  }))
  return { activities, nextToken }
}

/** Waits for a task up to a minute; an answer without a token means that there was none. */
export const getActivityTask: Operation = async (world, body, call, gone) => {
  const schema = z.strictObject({
    activityArn: fields.arn,
    workerName: z.optional(z.string().check(z.minLength(1), z.maxLength(80))),
  })
  const { activityArn: arn, workerName } = read(schema, body)
  call.authorize('states:GetActivityTask', arn)
  findActivity(world, arn)
  const enough = new AbortController()
  const patience = AbortSignal.any([gone, enough.signal])
  const timer = setTimeout(() => enough.abort(), LONGEST_POLL)
  try {
    return (await world.activities.poll(arn, workerName, patience)) ?? {}
  } finally {
    clearTimeout(timer)
  }
}

function checkToken(token: string): void {
  if (!TaskTokens.isWellFormed(token)) throw new ApiError('InvalidToken', "Invalid Token: 'Invalid token'")
}

/** SendTask* have no resource to ask about: a token is its own permission. */
function answer(isWaiting: boolean): object {
  if (!isWaiting) throw new ApiError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'")
  return {}
}

export const sendTaskSuccess: Operation = ({ tokens }, body, call) => {
  const { taskToken, output } = read(z.strictObject({ taskToken: fields.text, output: fields.payload }), body)
  call.authorize('states:SendTaskSuccess', '*')
  checkToken(taskToken)
  let value: Json
  try {
    value = parseJson(output)
  } catch (error) {
    throw new ApiError('InvalidOutput', `Invalid Output: '${String(error)}'`)
  }
  return answer(tokens.succeed(taskToken, value))
}

export const sendTaskFailure: Operation = ({ tokens }, body, call) => {
  const schema = z.strictObject({ taskToken: fields.text, error: fields.error, cause: fields.cause })
  const { taskToken, error = '', cause } = read(schema, body)
  call.authorize('states:SendTaskFailure', '*')
  checkToken(taskToken)
  return answer(tokens.fail(taskToken, error, cause))
}

export const sendTaskHeartbeat: Operation = ({ tokens }, body, call) => {
  const { taskToken } = read(z.strictObject({ taskToken: fields.text }), body)
  call.authorize('states:SendTaskHeartbeat', '*')
  checkToken(taskToken)
  return answer(tokens.heartbeat(taskToken))
}
