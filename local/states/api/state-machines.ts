import { randomUUID } from 'node:crypto'
import * as z from 'zod/mini'
import { InvalidDefinition } from '../asl/errors.ts'
import { parseDefinition } from '../asl/validate.ts'
import { isName, machineArn } from '../arns.ts'
import type { MachineRecord } from '../store.ts'
import { ApiError, machineDoesNotExist } from './api-error.ts'
import { seconds, type Operation, type World } from './operation.ts'
import { page } from './paging.ts'
import { checkArn, fields, read } from './request.ts'

/** What every new state machine has; parameters that would change it are refused. */
const LOGGING = { level: 'OFF', includeExecutionData: false }
const TRACING = { enabled: false }

/** @throws ApiError InvalidDefinition that names every fault and where it is */
function checkDefinition(text: string): void {
  try {
    parseDefinition(text)
  } catch (error) {
    if (!(error instanceof InvalidDefinition)) throw error
    throw new ApiError(
      'InvalidDefinition',
      `Invalid State Machine Definition: '${error.problems.join('; ')}'`,
    )
  }
}

function checkRole(roleArn: string): void {
  if (!/^arn:aws:iam::\d{12}:role\/.+$/.test(roleArn))
    throw new ApiError('InvalidArn', `Invalid Arn: '${roleArn}'`)
}

export function findMachine({ machines }: World, arn: string): MachineRecord {
  checkArn(arn, 'stateMachine')
  const machine = machines.get(arn)
  if (!machine) throw machineDoesNotExist(arn)
  return machine
}

const CreateInput = z.strictObject({
  name: fields.name,
  definition: fields.text,
  roleArn: fields.arn,
  type: z.optional(z.string()),
})

/** Creating the same machine again is no error; another definition under its name is. */
export const createStateMachine: Operation = ({ machines, clock }, body, call) => {
  const { name, definition, roleArn, type = 'STANDARD' } = read(CreateInput, body)
  const arn = machineArn(name)
  call.authorize('states:CreateStateMachine', arn)
  call.authorize('iam:PassRole', roleArn, { 'iam:PassedToService': 'states.amazonaws.com' })
  if (!isName(name)) throw new ApiError('InvalidName', `Invalid Name: '${name}'`)
  if (type !== 'STANDARD')
    throw new ApiError(
      'StateMachineTypeNotSupported',
      `State machine type ${type}: only STANDARD is supported`,
    )
  checkRole(roleArn)
  checkDefinition(definition)
  const known = machines.get(arn)
  if (known?.status === 'DELETING')
    throw new ApiError('StateMachineDeleting', `State Machine Deleting: '${arn}'`)
  if (known) {
    if (known.definition !== definition)
      throw new ApiError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`)
    return { stateMachineArn: arn, creationDate: seconds(known.creationDate) }
  }
  const creationDate = clock.now().getTime()
  machines.save({ name, arn, definition, roleArn, status: 'ACTIVE', creationDate, updateDate: creationDate })
  return { stateMachineArn: arn, creationDate: seconds(creationDate) }
}

const UpdateInput = z.strictObject({
  stateMachineArn: fields.arn,
  definition: z.optional(fields.text),
  roleArn: z.optional(fields.arn),
})

/** Executions that run go on with the definition they began with. */
export const updateStateMachine: Operation = (world, body, call) => {
  const { stateMachineArn, definition, roleArn } = read(UpdateInput, body)
  call.authorize('states:UpdateStateMachine', stateMachineArn)
  if (roleArn !== undefined)
    call.authorize('iam:PassRole', roleArn, { 'iam:PassedToService': 'states.amazonaws.com' })
  const machine = findMachine(world, stateMachineArn)
  if (definition === undefined && roleArn === undefined)
    throw new ApiError('MissingRequiredParameter', 'Either the definition or the role ARN must be specified')
  if (machine.status === 'DELETING')
    throw new ApiError('StateMachineDeleting', `State Machine Deleting: '${machine.arn}'`)
  if (definition !== undefined) checkDefinition(definition)
  if (roleArn !== undefined) checkRole(roleArn)
  const changed = {
    ...machine,
    definition: definition ?? machine.definition,
    roleArn: roleArn ?? machine.roleArn,
  }
  const isSame = changed.definition === machine.definition && changed.roleArn === machine.roleArn
  const updateDate = world.clock.now().getTime()
  const revisionId = isSame && machine.revisionId !== undefined ? machine.revisionId : randomUUID()
  world.machines.save({ ...changed, updateDate, revisionId })
  return { updateDate: seconds(updateDate), revisionId }
}

const OneMachine = z.strictObject({
  stateMachineArn: fields.arn,
  includedData: z.optional(z.literal('ALL_DATA')),
})

/** Deleting what is not there is no error. */
export const deleteStateMachine: Operation = ({ machines, executions }, body, call) => {
  const { stateMachineArn } = read(z.strictObject({ stateMachineArn: fields.arn }), body)
  call.authorize('states:DeleteStateMachine', stateMachineArn)
  checkArn(stateMachineArn, 'stateMachine')
  const machine = machines.get(stateMachineArn)
  if (machine)
    machines.delete(machine, !executions.of(machine.arn).some(({ status }) => status === 'RUNNING'))
  return {}
}

export const describeStateMachine: Operation = (world, body, call) => {
  const { stateMachineArn } = read(OneMachine, body)
  call.authorize('states:DescribeStateMachine', stateMachineArn)
  const { arn, name, status, definition, roleArn, creationDate, revisionId } = findMachine(
    world,
    stateMachineArn,
  )
  return {
    stateMachineArn: arn,
    name,
    status,
    definition,
    roleArn,
    type: 'STANDARD',
    creationDate: seconds(creationDate),
    loggingConfiguration: LOGGING,
    tracingConfiguration: TRACING,
    revisionId,
  }
}

const OneExecution = z.strictObject({
  executionArn: fields.arn,
  includedData: z.optional(z.literal('ALL_DATA')),
})

/** The state machine as it was when the execution began. */
export const describeStateMachineForExecution: Operation = ({ executions }, body, call) => {
  const { executionArn } = read(OneExecution, body)
  call.authorize('states:DescribeStateMachineForExecution', executionArn)
  checkArn(executionArn, 'execution')
  const record = executions.get(executionArn)
  if (!record) throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`)
  return {
    stateMachineArn: record.machineArn,
    name: record.machineName,
    roleArn: record.roleArn,
    definition: executions.definitionOf(record),
    updateDate: seconds(record.machineUpdateDate),
    loggingConfiguration: LOGGING,
    tracingConfiguration: TRACING,
    revisionId: record.revisionId,
  }
}

const ListInput = z.strictObject({ maxResults: fields.maxResults, nextToken: fields.nextToken })

export const listStateMachines: Operation = ({ machines }, body, call) => {
  const asked = read(ListInput, body)
  call.authorize('states:ListStateMachines', '*')
  const { elements, nextToken } = page(machines.all(), ({ arn }) => arn, {
    of: 'ListStateMachines',
    ...asked,
  })
  const stateMachines = elements.map(({ arn, name, creationDate }) => ({
    stateMachineArn: arn,
    name,
    type: 'STANDARD',
    creationDate: seconds(creationDate),
  }))
  return { stateMachines, nextToken }
}
