// @ts-ignore -- only Bun has this module
import { test } from "bun:test";
import { declareSuite } from "./_suite.ts";

declareSuite(test);
