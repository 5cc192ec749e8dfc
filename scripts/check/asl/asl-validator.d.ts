// The package ships no types for its entry point. These are of version 4.0.0, `src/types.ts`, as far as we use them.
declare module 'asl-validator' {
  interface StateMachineError {
    'Error code': string
    Message: string
    schemaError?: { instancePath: string; schemaPath: string }
  }
  interface StateMachine {
    States: Record<string, Record<string, unknown>>
  }
  export default function validate(definition: StateMachine): {
    isValid: boolean
    errors: StateMachineError[]
  }
}
