import {
  createActivity,
  deleteActivity,
  describeActivity,
  getActivityTask,
  listActivities,
  sendTaskFailure,
  sendTaskHeartbeat,
  sendTaskSuccess,
} from './activities.ts'
import {
  describeExecution,
  getExecutionHistory,
  listExecutions,
  startExecution,
  stopExecution,
} from './executions.ts'
import type { Operation } from './operation.ts'
import {
  createStateMachine,
  deleteStateMachine,
  describeStateMachine,
  describeStateMachineForExecution,
  listStateMachines,
  updateStateMachine,
} from './state-machines.ts'

/** The operations of the API that there are here, by the names that a request's `x-amz-target` has after `AWSStepFunctions.`. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    CreateStateMachine: createStateMachine,
    UpdateStateMachine: updateStateMachine,
    DeleteStateMachine: deleteStateMachine,
    DescribeStateMachine: describeStateMachine,
    DescribeStateMachineForExecution: describeStateMachineForExecution,
    ListStateMachines: listStateMachines,
    StartExecution: startExecution,
    DescribeExecution: describeExecution,
    StopExecution: stopExecution,
    ListExecutions: listExecutions,
    GetExecutionHistory: getExecutionHistory,
    CreateActivity: createActivity,
    DeleteActivity: deleteActivity,
    DescribeActivity: describeActivity,
    ListActivities: listActivities,
    GetActivityTask: getActivityTask,
    SendTaskSuccess: sendTaskSuccess,
    SendTaskFailure: sendTaskFailure,
    SendTaskHeartbeat: sendTaskHeartbeat,
  }),
)
