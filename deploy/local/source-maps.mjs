// Stack traces name the sources of the product. Not those of its packages: reading their maps takes 15 MB and 0.2 s at each start.
import { setSourceMapsSupport } from 'node:module';

setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
