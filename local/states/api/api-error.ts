/** An error of the Step Functions API: `code` is the name that the SDK makes its exception of. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly code: string
  readonly status: number
  constructor(code: string, message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

export const machineDoesNotExist = (arn: string): ApiError =>
  new ApiError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`)
export const executionDoesNotExist = (arn: string): ApiError =>
  new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`)
export const activityDoesNotExist = (arn: string): ApiError =>
  new ApiError('ActivityDoesNotExist', `Activity Does Not Exist: '${arn}'`)
