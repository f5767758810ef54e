// The policies that Remotion documents, as {"user","role"}: the texts its CLI prints, without the line
// break at their end.
import {getRolePolicy, getUserPolicy} from '@remotion/lambda/policies';

console.log(JSON.stringify({user: getUserPolicy(), role: getRolePolicy()}));
