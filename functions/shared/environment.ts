import { HearthError } from './errors.ts'

export class MissingEnvironment extends HearthError {
  override name = 'MissingEnvironment'
  constructor(variable: string) {
    super(
      `the environment variable ${variable} is not set: serverless.yml gives it to every function that needs it`,
    )
  }
}

/** The value of an environment variable that the deployment must have set. */
export function requireEnvironment(variable: string): string {
  const value = process.env[variable]
  if (value === undefined || value === '') throw new MissingEnvironment(variable)
  return value
}
