/** Child processes that never outlive their parent, however it ends. */
export { adoptChild } from "./adopt.ts";
export { type ChildRegister, openChildRegister } from "./child-register.ts";
export { endWithParent } from "./parent-death.ts";
