import { test } from "node:test";
import { declareSuite } from "./_suite.ts";

declareSuite(test);
