/* placeholder */
typedef int skua_placeholder;
