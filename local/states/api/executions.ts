import { randomUUID } from 'node:crypto'
import * as z from 'zod/mini'
import { isObject, parseJson } from '../asl/json.ts'
import { executionArn, isName } from '../arns.ts'
import type { HistoryEvent } from '../history.ts'
import type { ExecutionRecord } from '../store.ts'
import { ApiError, executionDoesNotExist } from './api-error.ts'
import { seconds, type Operation, type World } from './operation.ts'
import { page } from './paging.ts'
import { checkArn, fields, read } from './request.ts'
import { findMachine } from './state-machines.ts'

function findExecution({ executions }: World, arn: string): ExecutionRecord {
  checkArn(arn, 'execution')
  const record = executions.get(arn)
  if (!record) throw executionDoesNotExist(arn)
  return record
}

const StartInput = z.strictObject({
  stateMachineArn: fields.arn,
  name: z.optional(fields.name),
  input: z.optional(fields.payload),
})

/**
 * Starts an execution. A name can be used once: the same name with the same input while that execution runs gives that execution back, and is an
 * error otherwise.
 */
export const startExecution: Operation = (world, body, call) => {
  const { stateMachineArn, name = randomUUID(), input = '{}' } = read(StartInput, body)
  call.authorize('states:StartExecution', stateMachineArn)
  const machine = findMachine(world, stateMachineArn)
  if (!isName(name)) throw new ApiError('InvalidName', `Invalid Name: '${name}'`)
  try {
    parseJson(input)
  } catch (error) {
    throw new ApiError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${String(error)}'`)
  }
  if (machine.status === 'DELETING')
    throw new ApiError('StateMachineDeleting', `State Machine Deleting: '${machine.arn}'`)
  const arn = executionArn(machine.name, name)
  const known = world.executions.get(arn)
  if (known && (known.status !== 'RUNNING' || known.input !== input))
    throw new ApiError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`)
  const { startDate } = known ?? world.executions.start(machine, name, input)
  return { executionArn: arn, startDate: seconds(startDate) }
}

const OneExecution = z.strictObject({
  executionArn: fields.arn,
  includedData: z.optional(z.literal('ALL_DATA')),
})

export const describeExecution: Operation = (world, body, call) => {
  const { executionArn: arn } = read(OneExecution, body)
  call.authorize('states:DescribeExecution', arn)
  const record = findExecution(world, arn)
  return {
    ...summary(record),
    input: record.input,
    inputDetails: { included: true },
    ...(record.output === undefined ? {} : { output: record.output, outputDetails: { included: true } }),
    error: record.error,
    cause: record.cause,
    redriveStatus: 'NOT_REDRIVABLE',
    redriveStatusReason: 'Redriving by hand is not supported',
  }
}

function summary({
  arn,
  name,
  machineArn,
  status,
  startDate,
  stopDate,
  redriveCount,
  redriveDate,
}: ExecutionRecord): object {
  return {
    executionArn: arn,
    stateMachineArn: machineArn,
    name,
    status,
    startDate: seconds(startDate),
    redriveCount,
    ...(stopDate === undefined ? {} : { stopDate: seconds(stopDate) }),
    ...(redriveDate === undefined ? {} : { redriveDate: seconds(redriveDate) }),
  }
}

const StopInput = z.strictObject({ executionArn: fields.arn, error: fields.error, cause: fields.cause })

export const stopExecution: Operation = (world, body, call) => {
  const { executionArn: arn, error, cause } = read(StopInput, body)
  call.authorize('states:StopExecution', arn)
  const record = findExecution(world, arn)
  world.executions.stop(arn, error, cause)
  return { stopDate: seconds(record.stopDate ?? world.clock.now().getTime()) }
}

const ListInput = z.strictObject({
  stateMachineArn: fields.arn,
  statusFilter: z.optional(
    z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE']),
  ),
  maxResults: fields.maxResults,
  nextToken: fields.nextToken,
})

/** The newest first. */
export const listExecutions: Operation = (world, body, call) => {
  const { stateMachineArn, statusFilter, maxResults, nextToken } = read(ListInput, body)
  call.authorize('states:ListExecutions', stateMachineArn)
  const machine = findMachine(world, stateMachineArn)
  const all = world.executions
    .of(machine.arn)
    .filter(({ status }) => statusFilter === undefined || status === statusFilter)
  const of = `ListExecutions ${machine.arn} ${statusFilter ?? ''}`
  const listed = page(all, ({ arn }) => arn, { of, maxResults, nextToken })
  return { executions: listed.elements.map(summary), nextToken: listed.nextToken }
}

const HistoryInput = z.strictObject({
  executionArn: fields.arn,
  reverseOrder: fields.flag,
  includeExecutionData: fields.flag,
  maxResults: fields.maxResults,
  nextToken: fields.nextToken,
})

export const getExecutionHistory: Operation = (world, body, call) => {
  const {
    executionArn: arn,
    reverseOrder = false,
    includeExecutionData = true,
    maxResults,
    nextToken,
  } = read(HistoryInput, body)
  call.authorize('states:GetExecutionHistory', arn)
  const events = world.executions.history(findExecution(world, arn))
  const of = `GetExecutionHistory ${arn} ${reverseOrder}`
  const listed = page(reverseOrder ? events.toReversed() : events, ({ id }) => id, {
    of,
    maxResults,
    nextToken,
  })
  return {
    events: includeExecutionData ? listed.elements : listed.elements.map(withoutData),
    nextToken: listed.nextToken,
  }
}

const DATA: ReadonlySet<string> = new Set([
  'input',
  'output',
  'parameters',
  'cause',
  'error',
  'assignedVariables',
])

function withoutData(event: HistoryEvent): object {
  return Object.fromEntries(Object.entries(event).map(([key, details]) => [key, strip(details)]))
}

function strip(details: unknown): unknown {
  if (!isObject(details)) return details
  return Object.fromEntries(Object.entries(details).filter(([key]) => !DATA.has(key)))
}
