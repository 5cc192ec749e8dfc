import { StateError } from './asl/errors.ts'
import { isObject } from './asl/json.ts'

/** What the SDK's clients know of an answer; without a status there was none. */
interface Metadata {
  httpStatusCode?: number | undefined
  requestId?: string | undefined
}

/** Errors that a service does not model in its own API: Step Functions calls them by the service's base exception. */
const UNMODELLED: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'AccessDenied',
  'UnrecognizedClientException',
])

/**
 * An error of an AWS client as Step Functions names it: `<Service>.<exception>`, always ending in `Exception`, whatever the service's API calls it;
 * `Lambda.AWSLambdaException` when permission is denied, `Lambda.SdkClientException` when there was no answer at all.
 * @param service `Lambda`, `CodeBuild` or `StepFunctions`
 */
export function stateErrorOf(service: string, error: unknown): StateError {
  const name = error instanceof Error ? error.name : 'Unknown'
  const message = error instanceof Error ? error.message : String(error)
  const metadata: Metadata = isObject(error) && isObject(error['$metadata']) ? error['$metadata'] : {}
  const { httpStatusCode: status, requestId = 'unknown' } = metadata
  if (status === undefined) return new StateError(`${service}.SdkClientException`, `${name}: ${message}`)
  const exception = name.endsWith('Exception') ? name : `${name}Exception`
  const code = UNMODELLED.has(name) ? `AWS${service}Exception` : exception
  return new StateError(
    `${service}.${code}`,
    `${message} (Service: ${service}, Status Code: ${status}, Error Code: ${name}, Request ID: ${requestId})`,
  )
}

/** The two members that Step Functions adds to every answer of a service. */
export function sdkMembers({ httpStatusCode, requestId }: Metadata): {
  SdkHttpMetadata: { HttpStatusCode: number }
  SdkResponseMetadata: { RequestId: string }
} {
  return {
    SdkHttpMetadata: { HttpStatusCode: httpStatusCode ?? 200 },
    SdkResponseMetadata: { RequestId: requestId ?? 'unknown' },
  }
}
