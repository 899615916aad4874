/* For cppcheck only, which does not read the libraries' headers: macros that look like statements.
 */
#define json_array_foreach(array, index, value)                                                    \
	for ((index) = 0; ((value) = json_array_get((array), (index))) != 0; (index)++)
#define json_object_foreach(object, key, value)                                                    \
	for (void *at = json_object_iter(object);                                                  \
	     at && ((key) = json_object_iter_key(at), (value) = json_object_iter_value(at));       \
	     at = 0)
#define SEC(name)
#define LIBBPF_OPTS(type, name, ...) struct type name = {__VA_ARGS__}
